"""The log that tests.support.listeners write, read by a test."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support.growing_file import GrowingFile
from tests.support.listeners import LOG_VARIABLE, words
from tests.support.waiting import WITHIN_SECONDS, until


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a listener said: `what` is start, done, failed or cancelled; `at` is seconds since 1970."""

    at: float
    what: str
    key: str
    attempt: int
    crashes: int
    is_last: bool
    text: str
    pid: int

    @property
    def n(self) -> int:
        """The number in the text: `n=3`."""
        return int(words(self.text).get("n", -1))


class ListenerLog:
    """A file in a directory of the test; several processes may write into it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "listeners.jsonl"
        self._file.touch()
        self._growing, self._entries = GrowingFile(self._file), list[Entry]()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use these listeners and write here."""
        return {"LISTENERS": "tests.support.listeners", LOG_VARIABLE: str(self._file)}

    def entries(self, what: str | None = None, key: str | None = None) -> list[Entry]:
        """What was said so far, in the order in which it was said."""
        self._entries += [Entry(**json.loads(line)) for line in self._growing.new_lines()]
        return [entry for entry in self._entries if what in (None, entry.what) and key in (None, entry.key)]

    def forget(self) -> None:
        """Empties it."""
        self._file.write_text("")
        self._growing, self._entries = GrowingFile(self._file), []

    def counts(self, what: str) -> Counter[str]:
        """How often each key said it."""
        return Counter(entry.key for entry in self.entries(what))

    async def until_said(
        self, what: str, times: int = 1, *, key: str | None = None, within_seconds: float = WITHIN_SECONDS
    ) -> list[Entry]:
        """Waits until it was said so many times."""
        return await until(
            lambda: found if len(found := self.entries(what, key)) >= times else None,
            within_seconds,
            what=f"{times} x {what!r} in the log of the listeners",
        )

    def release(self, name: str) -> None:
        """Lets the listeners go on that `hold=NAME`."""
        (self._directory / name).touch()
