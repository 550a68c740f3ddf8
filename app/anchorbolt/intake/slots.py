"""What may be worked on at once, and what one request or envelope may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anchorbolt.errors import RefusedError

OVERLOADED = RefusedError(503, "overloaded")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a request may take."""

    max_body_bytes: int
    max_in_flight: int
    deadline_seconds: float


class Place:
    """What one request takes of MAX_IN_FLIGHT. `kept`: its listeners go on, and leave when they have ended."""

    __slots__ = ("_left", "_taken", "kept")

    def __init__(self, left: Callable[[], None]) -> None:
        self._left = left
        self._taken = True
        self.kept = False

    def leave(self) -> None:
        """Once."""
        if self._taken:
            self._taken = False
            self._left()


class Places:
    """MAX_IN_FLIGHT of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    @property
    def full(self) -> bool:
        """Whether all are taken."""
        return self.taken >= self._most

    def take(self) -> Place:
        """One more, of a number that is not full."""
        self.taken += 1
        return Place(self._left)

    def _left(self) -> None:
        self.taken -= 1
