"""Slots for concurrent requests: MAX_IN_FLIGHT bounds what is worked on at once."""

from __future__ import annotations


class RequestSlot:
    """The slot of one request. `kept`: a run holds it, and releases it when its listeners have ended."""

    __slots__ = ("_is_held", "_slots", "kept")

    def __init__(self, slots: RequestSlots) -> None:
        """Takes a slot; the caller has seen that one is free."""
        slots.free -= 1
        self._slots = slots
        self._is_held = True
        self.kept = False

    def release(self) -> None:
        """Gives the slot back; a second call does nothing."""
        if self._is_held:
            self._is_held = False
            self._slots.free += 1


class RequestSlots:
    """All slots of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.free = limit  # where it is 0, the next request is refused

    @property
    def taken(self) -> int:
        """How many requests have a slot now."""
        return self._limit - self.free
