"""Slots for concurrent requests: MAX_IN_FLIGHT bounds what is worked on at once."""

from __future__ import annotations

from collections.abc import Callable


class RequestSlot:
    """The slot of one request. `kept`: a run holds it, and releases it when its listeners have ended."""

    __slots__ = ("_is_held", "_released", "kept")

    def __init__(self, released: Callable[[], None]) -> None:
        self._released = released
        self._is_held = True
        self.kept = False

    def release(self) -> None:
        """Gives the slot back; a second call does nothing."""
        if self._is_held:
            self._is_held = False
            self._released()


class RequestSlots:
    """All slots of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.free = limit  # where it is 0, the next request is refused

    @property
    def taken(self) -> int:
        """How many requests have a slot now."""
        return self._limit - self.free

    def take(self) -> RequestSlot:
        """Takes a slot; the caller has seen that one is free."""
        self.free -= 1
        return RequestSlot(self._release)

    def _release(self) -> None:
        self.free += 1
