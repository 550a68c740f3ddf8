"""The files that the app uploads, with the newest of their contents."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anchorbolt.emulator.scene import BOT_USER_ID, fresh_id
from anchorbolt.emulator.state.bounded import Bounded

FILES_KEPT = 200
CONTENT_KEPT_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class File:
    """A file. `base` is the emulator's address as the app called it, without a slash; `created` in seconds."""

    id: str
    name: str
    created: int
    base: str
    title: str = ""
    size: int = 0
    is_uploaded: bool = False
    is_complete: bool = False
    channels: list[str] = field(default_factory=list)
    shares: list[tuple[str, str]] = field(default_factory=list)

    def public(self) -> dict[str, Any]:
        """The file as `files.info` tells it."""
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        url = f"{self.base}/files/{self.id}/{self.name}"
        told: dict[str, Any] = {"id": self.id, "name": self.name, "title": self.title or self.name, "mimetype": kind}
        told |= {"filetype": self.name.rpartition(".")[2] if "." in self.name else "text", "size": self.size}
        told |= {"created": self.created, "timestamp": self.created, "user": BOT_USER_ID, "mode": "hosted"}
        told |= {"is_external": False, "is_public": bool(self.channels), "url_private": url, "permalink": url}
        told |= {"url_private_download": url, "channels": [c for c in self.channels if c.startswith("C")]}
        told |= {"groups": [c for c in self.channels if c.startswith("G")], "comments_count": 0}
        shares: dict[str, dict[str, list[dict[str, str]]]] = {}
        for channel, ts in self.shares:
            among = shares.setdefault("public" if channel.startswith("C") else "private", {})
            among.setdefault(channel, []).append({"ts": ts})
        ims = [c for c in self.channels if c.startswith("D")]
        return told | {"ims": ims, "shares": shares}


class Files:
    """The newest files, and their contents up to a number of bytes in all."""

    def __init__(self) -> None:
        self._files: Bounded[str, File] = Bounded(FILES_KEPT)
        self._contents: Bounded[str, bytes] = Bounded(FILES_KEPT)

    def begin(self, arguments: Mapping[str, Any], base: str, now: float) -> File:
        """Returns a new file whose content is still to be uploaded.

        `arguments`: of the call. `base`: the address of the emulator. `now`: in seconds since 1970.
        """
        file = File(fresh_id("F"), str(arguments["filename"]).replace("/", "_"), int(now), base)
        self._files[file.id] = file
        return file

    def find(self, file_id: object) -> File | None:
        """The file with this id, uploaded or not, or None."""
        return self._files.get(str(file_id or ""))

    def complete(self) -> list[File]:
        """The files whose upload is complete, the newest first."""
        return [file for file in reversed(self._files.values()) if file.is_complete]

    def receive(self, file: File, content: bytes) -> None:
        """Stores the content of a file, and drops the contents that were stored first where all are too large."""
        file.size, file.is_uploaded = len(content), True
        self._contents[file.id] = content
        while sum(map(len, self._contents.values())) > CONTENT_KEPT_BYTES:
            self._contents.popitem(last=False)

    def content(self, file_id: str) -> bytes | None:
        """The content of a file, or None where it is not kept."""
        return self._contents.get(file_id)

    def delete(self, file_id: str) -> bool:
        """Deletes a file. Returns False where there was none."""
        self._contents.pop(file_id, None)
        return self._files.pop(file_id, None) is not None
