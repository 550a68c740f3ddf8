"""The deliveries that run in this process, each with the lease that lets it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from anchorbolt.delivery import Delivery
from anchorbolt.inbox.lease import Held


class Cut(StrEnum):
    """Why a run was cut short, when it was not its own doing."""

    LOST = "lost"  # somebody else holds its lane: nothing of it is ours to write
    EXPIRED = "expired"  # it could not be renewed in time: stopped before anybody else may claim its lane
    DRAINED = "drained"  # the pod ends: another goes on with it


@dataclass(slots=True, eq=False)
class Running:
    """One run. `expires_at` is on our monotonic clock: until then nobody else can claim its lane."""

    held: Held
    expires_at: float
    delivery: Delivery | None = None  # where it is still in memory, it is not read again
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    cut: Cut | None = None
    in_a_row: int = 0  # how many deliveries of its lane have ended in this place

    def stop(self, why: Cut) -> None:
        """Cancels the run; the first reason counts."""
        if self.cut is None:
            self.cut = why
            if self.task is not None:
                self.task.cancel()


class Runs:
    """All of them."""

    def __init__(self) -> None:
        self._runs: set[Running] = set()
        self._none = asyncio.Event()
        self._none.set()

    def __iter__(self) -> Iterator[Running]:
        return iter(list(self._runs))

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, running: Running) -> bool:
        return running in self._runs

    def add(self, running: Running) -> None:
        """It has its lease."""
        self._runs.add(running)
        self._none.clear()

    def discard(self, running: Running) -> None:
        """It has really ended, and that is written, or not ours to write."""
        self._runs.discard(running)
        if not self._runs:
            self._none.set()

    async def all_ended(self) -> None:
        """Returns when none is left."""
        while self._runs:
            await self._none.wait()
