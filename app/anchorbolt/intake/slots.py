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
        self.taken = 0

    @property
    def full(self) -> bool:
        """Whether all slots are taken, so that the next request is refused."""
        return self.taken >= self._limit

    def take(self) -> RequestSlot:
        """Takes a slot; the caller has seen that they are not full."""
        self.taken += 1
        return RequestSlot(self._release)

    def _release(self) -> None:
        self.taken -= 1
