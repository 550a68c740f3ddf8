"""What one process has read of the database, each for a while, and of what is not there that it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

# How long what was read counts where no process says that it has changed; for what is not there, so that a workspace
# that is installed is found soon.
FRESH_SECONDS = 60.0
ABSENT_SECONDS = 5.0

Key = TypeVar("Key")
Found = TypeVar("Found")


@dataclass(slots=True)
class Known(Generic[Found]):
    """What was read, None if it is not there; `until`: on the clock, when it is to be read again."""

    found: Found | None
    until: float


class Memory(Generic[Key, Found]):
    """Remembers so many; beyond them the one that was read first is forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Key, Known[Found]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: Key) -> Known[Found] | None:
        """Returns what is known, however old; None where nothing is."""
        return self._known.get(key)

    def put(self, key: Key, found: Found | None, now: float) -> None:
        """Remembers what was `found` under a `key` (None: nothing). `now`: when it was read, in seconds."""
        self._known.pop(key, None)
        if len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[key] = Known(found, now + (ABSENT_SECONDS if found is None else FRESH_SECONDS))

    def forget(self, key: Key) -> None:
        """Forgets it, if it is known."""
        self._known.pop(key, None)

    def forget_absent(self) -> list[Key]:
        """Forgets all that is not there. Returns the keys of the rest."""
        self._known = {key: one for key, one in self._known.items() if one.found is not None}
        return list(self._known)

    def expire(self) -> None:
        """Lets all of it be read again by whoever asks next; until then it is known, however old."""
        for one in self._known.values():
            one.until = float("-inf")

    def clear(self) -> None:
        """Forgets all entries, so that each is read from the database again."""
        self._known.clear()
