"""A database in memory whose faults come at random."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from anchorbolt.errors import StoreRefusedError, StoreUnavailableError, StoreUnknownError
from anchorbolt.inbox.accept import Accept, Accepted, Item
from anchorbolt.inbox.sqlite import SqliteDatabase
from sqlalchemy import Connection

Result = TypeVar("Result")


@dataclass(frozen=True)
class Mood:
    """How likely a transaction is slow, and fails, and a group of deliveries is refused; the longest time it takes."""

    slow: float = 0.0
    longest_seconds: float = 0.0
    fails: float = 0.0
    refuses: float = 0.0


WELL = Mood()
MOODS = (
    WELL,
    Mood(slow=0.2, longest_seconds=0.1),
    Mood(slow=0.5, longest_seconds=8),  # it stands still, as while it fails over
    Mood(slow=0.2, longest_seconds=0.1, fails=0.1),
    Mood(slow=0.2, longest_seconds=0.1, fails=0.4, refuses=0.1),
)


class _Refusing(Accept):
    """Refuses a group now and then, as a database does that cannot take one of its items."""

    async def __call__(self, items: Sequence[Item], *, in_doubt: bool) -> Sequence[Accepted]:
        """Stores a group, or does not."""
        database = self._store.database
        assert isinstance(database, FickleDatabase)
        if not in_doubt and database.chance.random() < database.mood.refuses:
            raise StoreRefusedError("refused")
        return await super().__call__(items, in_doubt=in_doubt)


class FickleDatabase(SqliteDatabase):
    """Slow, away, or without an answer whether it has committed, as its `mood` has it; it begins well."""

    accept = _Refusing

    def __init__(self, chance: random.Random, clock: Callable[[], float]) -> None:
        super().__init__(None, clock=clock)
        self.chance = chance
        self.mood = WELL
        self.on_lost: Callable[[], object] = lambda: None  # called when the answer of a commit is lost

    async def transact(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """Runs the work, or fails before, or fails behind it."""
        mood, chance = self.mood, self.chance
        if mood is WELL:
            return await super().transact(work, timeout_seconds)
        for _ in range(chance.choice([0, 0, 1, 3, 10])):
            await asyncio.sleep(0)
        if chance.random() < mood.slow:
            await asyncio.sleep(chance.random() * mood.longest_seconds)
        if chance.random() >= mood.fails:
            return await super().transact(work, timeout_seconds)
        fault = chance.choice(["away", "unknown, and not done", "unknown, and done"])
        if fault == "away":
            raise StoreUnavailableError(fault)
        if fault == "unknown, and done":
            await super().transact(work, timeout_seconds)
            self.on_lost()
        raise StoreUnknownError(fault)
