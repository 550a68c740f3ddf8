"""A file that a process of a test writes: tests ask what it holds until something is there."""

from __future__ import annotations

from pathlib import Path


class GrowingFile:
    """Reads of a file only what was not read before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0

    def new_lines(self) -> list[bytes]:
        """Returns the lines that were completed since the last call; the last one of a file may be half written."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            more = file.read()
        whole = more[: more.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return whole.split(b"\n")[:-1]
