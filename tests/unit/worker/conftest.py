"""An inbox in memory, and a worker whose dispatch is a function of the test instead of Bolt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import JSON
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Stored
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.inbox.tables import lane as lanes
from anchorbolt.worker.verdict import Limits, Reason, Verdict
from anchorbolt.worker.worker import Worker
from sqlalchemy import Row, select

from tests.support.waiting import until_answer

LIMITS = Limits(
    max_attempts=3, max_crashes=4, backoff_base_seconds=0.01, backoff_cap_seconds=0.02, run_timeout_seconds=30
)
FAILED = Verdict(End.RETRY, "ConnectionError: x", reason=Reason.TRANSIENT)


@dataclass
class Clock:
    """Seconds, as a test sets them."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Dispatch:
    """What a worker calls instead of Bolt: `work` is what each run does."""

    work: Callable[[Run], Awaitable[None]]
    runs: list[Run] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    tell: Callable[[Delivery, str], Awaitable[None]] | None = None
    concluded: list[Run] = field(default_factory=list)
    handle: Callable[[Run], Awaitable[None]] | None = None

    async def answer(self, run: Run) -> None:
        """Runs a delivery; its error is the run's."""
        self.runs.append(run)
        try:
            await self.work(run)
        except Exception as error:
            run.fail(error)

    async def conclude_failure(self, run: Run) -> None:
        """Calls what stands for the app's error handler."""
        self.concluded.append(run)
        if self.handle is not None:
            await self.handle(run)

    async def report_failure(self, delivery: Delivery, reason: str) -> None:
        """Notes of what Slack was told; `tell` is what that takes."""
        if self.tell is not None:
            await self.tell(delivery, reason)
        self.reported.append(f"{delivery.key}: {reason}")


@dataclass
class Bench:
    """The inbox, and ways to look into it."""

    inbox: Inbox
    database: SqliteDatabase
    clock: Clock

    def worker(
        self, work: Callable[[Run], Awaitable[None]], *, concurrency: int = 10, limits: Limits = LIMITS
    ) -> tuple[Worker, Dispatch]:
        """A worker on this inbox."""
        dispatch = Dispatch(work)
        return Worker(self.inbox, dispatch, limits, concurrency=concurrency, clock=self.clock), dispatch

    async def row(self, key: str) -> Row[Any]:
        """A delivery."""
        return await self.database.transact(
            lambda connection: connection.execute(select(deliveries).where(deliveries.c.key == key)).one()
        )

    async def until_stored(self, key: str) -> Row[Any]:
        """Waits until a delivery is there."""

        async def stored() -> Row[Any] | None:
            return await self.database.transact(
                lambda connection: connection.execute(select(deliveries).where(deliveries.c.key == key)).one_or_none()
            )

        return await until_answer(stored, what=f"{key} is stored")

    async def lane(self, name: str) -> Row[Any] | None:
        """A lane."""
        return await self.database.transact(
            lambda connection: connection.execute(select(lanes).where(lanes.c.name == name)).one_or_none()
        )

    async def until_ended(self, key: str) -> Row[Any]:
        """Waits until a delivery is done or dead; time goes on while its lane waits, and only then."""

        async def ended() -> Row[Any] | None:
            row = await self.row(key)
            lane = await self.lane(row.lane)
            if lane is not None and lane.owner is None:
                self.clock.now += 1
            return row if row.state != "live" else None

        return await until_answer(ended, what=f"{key} has ended")


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """An inbox in memory."""
    opened = Inbox(SqliteDatabase(None), lease_seconds=9)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """An inbox whose clock stands still, so that no lease runs out and no backoff ends unless the test says so."""
    clock = Clock()
    database = SqliteDatabase(None, clock=clock)
    inbox = Inbox(database, lease_seconds=9, clock=clock)
    await inbox.open()
    clock.now += 10  # the pause after the database was reached is over
    yield Bench(inbox, database, clock)
    await inbox.close()


@pytest.fixture
def standstill(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """A database that answers nothing until this is set."""
    go, transact = asyncio.Event(), bench.database.transact

    async def waits(work: Callable[..., Any]) -> object:
        await go.wait()
        return await transact(work)

    monkeypatch.setattr(bench.database, "transact", waits)
    return go


def event(conversation: str = "C1", n: int = 0) -> Delivery:
    """A fresh event of a thread of this conversation."""
    sample = make("message", Scene(channel_id=conversation, thread_ts="1760000000.000100", text=f"n={n}"))
    found = parse(sample.body, JSON)
    assert isinstance(found, Delivery)
    assert json.loads(sample.body)["event"]["text"] == f"n={n}"
    return found


def stored(number: int) -> Stored:
    """A delivery of the listener app.on."""
    return Stored(number, f"key-{number}", "event", "", "{}", None, None, "T1", "C1", 0.0, 1, 0, "app.on")
