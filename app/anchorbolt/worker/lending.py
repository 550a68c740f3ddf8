"""Lending of slots: a run whose call waits at a rate gate (bolt/web_api/gate.py) needs none meanwhile."""

from __future__ import annotations

from anchorbolt.bolt.run import Run
from anchorbolt.worker.slots import RunSlots


class Lending:
    """Lends out the slot of one run while a call of it waits at a rate gate, and stops its time limit."""

    __slots__ = ("_is_lent", "_left", "_run", "_slots")

    def __init__(self, slots: RunSlots, run: Run) -> None:
        self._slots = slots
        self._run = run
        self._is_lent = False
        self._left: float | None = None

    def __call__(self, waits: bool) -> None:
        """Lends it, or takes it back."""
        limit = self._run.limit
        if waits:
            self._is_lent = self._slots.lend()
            self._left = limit.stand_still() if limit is not None else None
            return
        if self._is_lent:
            self._is_lent = False
            self._slots.take_back()
        if limit is not None and self._left is not None:
            limit.go_on(self._left)
