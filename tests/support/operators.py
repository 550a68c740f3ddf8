"""Operators who do everything at once, each with a connection of its own, and what must be true afterwards."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any

from anchorbolt.emulator.player import Ack
from anchorbolt.inbox.admin import Admin, Filter
from anchorbolt.inbox.database import Database, Wake
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.stopping import Stopping
from anchorbolt.inbox.tables import delivery, lane
from sqlalchemy import Connection, select

from tests.support.listener_log import Entry, ListenerLog
from tests.support.waiting import until_answer

OPERATORS, DEEDS = 4, 60
LANES, EVENTS = 5, 60
AT_ONCE = 10  # a test that sends sixty at once is so busy that bodies arrive late
LISTENER = "tests.support.listeners.on_event"
PLACES = [("listener", LISTENER), ("kind", "event"), ("conversation", "C0LANE1"), ("workspace", "T0ANCH0R")]

Deed = Callable[[Connection, str], None]
Beside = Callable[[], Database]
Send = Callable[[int, str, int], Awaitable[Ack]]


def _with(deed: Deed, key: str) -> Callable[[Connection], None]:
    return lambda connection: deed(connection, key)


class Operator:
    """Does one thing after the other, to deliveries chosen at random; what changed is counted by key."""

    def __init__(self, beside: Beside, keys: list[str], seed: int) -> None:
        """`beside`: makes a database object, as a command has it, which is beside those that serve."""
        self._beside = beside
        self._dialect = ""
        self._keys = keys
        self._choose = random.Random(seed)
        self.replayed: Counter[str] = Counter()
        self.discarded: set[str] = set()

    async def work(self) -> None:
        """All its deeds. To be called in a thread of its own: a SQLite that is busy lets that thread wait."""
        database = self._beside()
        self._dialect = database.dialect
        await database.open()
        try:
            await self._work(database)
        finally:
            await database.close()

    async def _work(self, database: Database) -> None:
        deeds: list[Deed] = [
            self._cancel,
            self._skip,
            self._discard,
            self._run_now,
            self._replay,
            self._pause,
            self._resume,
        ]
        for _ in range(DEEDS):
            deed = self._choose.choice(deeds)
            key = self._choose.choice(self._keys)
            await database.transact(_with(deed, key), 30)
            database.wake_others(self._choose.choice([Wake.CANCEL, Wake.HOLDS, Wake.LANES]))
            await asyncio.sleep(self._choose.random() * 0.1)

    def _cancel(self, connection: Connection, key: str) -> None:
        found = Stopping().find(connection, key)
        if found is not None and found.state == "running":
            Stopping().cancel(connection, found, "an operator")

    def _skip(self, connection: Connection, key: str) -> None:
        self._end(connection, key, "dead")

    def _discard(self, connection: Connection, key: str) -> None:
        if self._end(connection, key, "done"):
            self.discarded.add(key)

    def _end(self, connection: Connection, key: str, state: str) -> bool:
        found = Stopping().find(connection, key)
        if found is None or found.state != "waiting":
            return False
        return Stopping().end(connection, found, state, "by an operator" if state == "dead" else None)

    def _run_now(self, connection: Connection, key: str) -> None:
        found = Stopping().find(connection, key)
        if found is not None and found.state == "waiting":
            Stopping().run_now(connection, found.lane)

    def _replay(self, connection: Connection, _: str) -> None:
        admin = Admin(self._dialect)
        for id_ in admin.dead(connection, Filter("dead", most=5))[:5]:
            key = connection.execute(select(delivery.c.key).where(delivery.c.id == id_)).scalar_one()
            if admin.replay(connection, [id_]):
                self.replayed[key] += 1

    def _pause(self, connection: Connection, _: str) -> None:
        Pauses(self._dialect).pause(connection, *self._choose.choice(PLACES), "an operator")

    def _resume(self, connection: Connection, _: str) -> None:
        Pauses(self._dialect).resume(connection, *self._choose.choice(PLACES))


async def send_events(send: Send) -> list[str]:
    """Sends events over some lanes, some of which fail at first. `send`: sends event N with a text in a lane.

    Returns their keys.
    """
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(n: int) -> str:
        text = f"n={n} work=0.0{n % 7}" + (" fail=1" if n % 5 == 0 else "")
        async with at_once:
            ack = await send(n, text, n % LANES)
        return str(ack.sample.key)

    return await asyncio.gather(*(one(n) for n in range(EVENTS)))


async def race(beside: Beside, keys: list[str], meanwhile: Callable[[], Any]) -> Sequence[Operator]:
    """Lets all operators work, and something else happen meanwhile. In the end nothing is paused, and nothing waits."""
    operators = [Operator(beside, keys, seed) for seed in range(OPERATORS)]
    working = asyncio.gather(*(asyncio.to_thread(lambda one=one: asyncio.run(one.work())) for one in operators))  # type: ignore[misc] # mypy sees no type of a default
    await asyncio.sleep(1)
    await meanwhile()
    await working
    database = beside()
    await database.open()
    try:
        for scope, name in PLACES:
            await database.transact(partial(Pauses(database.dialect).resume, scope=scope, name=name))
        database.wake_others(Wake.HOLDS)
        await _until_empty(database)
    finally:
        await database.close()
    return operators


async def _until_empty(database: Database) -> None:
    """Waits until no lane is left, and so nothing that waits or runs; else says what is left, and what holds it."""

    async def is_empty() -> bool:
        return not await database.transact(lambda c: c.execute(select(lane.c.name)).all())

    try:
        await until_answer(is_empty, 90, what="all lanes are empty")
    except AssertionError as error:
        left = await database.transact(lambda c: [str(row) for row in c.execute(select(lane, now().label("now")))])
        paused = await database.transact(Pauses(database.dialect).read)
        raise AssertionError(f"{error}; left: {left}; paused: {paused}") from error


async def read_states(beside: Beside) -> dict[str, tuple[str, str]]:
    """The state and the lane of each delivery, by its key."""

    def read(connection: Connection) -> dict[str, tuple[str, str]]:
        rows: Any = connection.execute(select(delivery.c.key, delivery.c.state, delivery.c.lane))
        return {row.key: (row.state, row.lane) for row in rows}

    database = beside()
    await database.open()
    try:
        return await database.transact(read)
    finally:
        await database.close()


def check(
    states: dict[str, tuple[str, str]],
    log: ListenerLog,
    operators: Sequence[Operator],
    keys: Collection[str],
    killed: int | None,
) -> None:
    """What must be true at the end. `killed`: the process that was killed meanwhile."""
    replayed = sum((one.replayed for one in operators), Counter[str]())
    discarded: set[str] = set().union(*(one.discarded for one in operators))
    by_killed = {entry.key for entry in log.entries("done") if entry.pid == killed}
    done = log.counts("done")
    assert set(states) == set(keys)
    for key, (state, _) in states.items():
        assert state in ("done", "dead", "cancelled"), f"{key} is {state}"
        if state == "done" and key not in discarded:
            assert done[key] >= 1, f"{key} is lost"
        assert done[key] <= 1 + replayed[key] + (key in by_killed), f"{key} ran {done[key]} times"
    for name in {of_lane for _, of_lane in states.values()}:
        running: Entry | None = None
        for entry in (one for one in log.entries() if states[one.key][1] == name):
            if entry.what != "start":
                running = None
                continue
            was_killed = running is not None and running.pid == killed
            assert running is None or was_killed, f"{entry.key} and {running.key} ran at once in {name}"
            running = entry
