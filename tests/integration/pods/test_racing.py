"""Operators who do everything at once, beside pods that claim and one that dies: nothing is lost, doubled or stuck."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from anchorbolt.inbox.admin import Admin, Filter
from anchorbolt.inbox.database import Wake
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.stopping import Stopping
from anchorbolt.inbox.tables import delivery, lane
from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.listener_log import Entry, ListenerLog
from tests.support.pods import Pods
from tests.support.waiting import until_answer

LANES, EVENTS, OPERATORS, DEEDS = 5, 60, 4, 60
LISTENER = "tests.support.listeners.on_event"
PLACES = [("listener", LISTENER), ("kind", "event"), ("conversation", "C0LANE1"), ("workspace", "T0ANCH0R")]


Deed = Callable[[Connection, str], None]


def _with(deed: Deed, key: str) -> Callable[[Connection], None]:
    return lambda connection: deed(connection, key)


class Operator:
    """Does one thing after the other, to deliveries chosen at random; what changed is counted by key."""

    def __init__(self, database: PostgresqlDatabase, keys: list[str], seed: int) -> None:
        self._database = database
        self._keys = keys
        self._choose = random.Random(seed)
        self.replayed: Counter[str] = Counter()
        self.discarded: set[str] = set()

    async def work(self) -> None:
        """All its deeds."""
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
            await self._database.transact(_with(deed, key), 30)
            self._database.wake_others(self._choose.choice([Wake.CANCEL, Wake.HOLDS, Wake.LANES]))
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
        admin = Admin("postgresql")
        for id_ in admin.dead(connection, Filter("dead", most=5))[:5]:
            key = connection.execute(select(delivery.c.key).where(delivery.c.id == id_)).scalar_one()
            if admin.replay(connection, [id_]):
                self.replayed[key] += 1

    def _pause(self, connection: Connection, _: str) -> None:
        Pauses("postgresql").pause(connection, *self._choose.choice(PLACES), "an operator")

    def _resume(self, connection: Connection, _: str) -> None:
        Pauses("postgresql").resume(connection, *self._choose.choice(PLACES))


async def test_nothing_is_lost_doubled_or_stuck(start_pods: StartPods, slack: Slack, database: str) -> None:
    """Cancelled, skipped, discarded, replayed, run at once, paused and resumed by four at once, while a pod dies: what
    is done has run, nothing more often than it lived, no two of a lane at once, and every lane is empty at the end."""
    pods = await start_pods(3, LEASE_SECONDS=2, RUN_CONCURRENCY=3)
    keys = await events(pods, slack)
    beside = PostgresqlDatabase(make_url(database))
    await beside.open()
    operators = [Operator(beside, keys, seed) for seed in range(OPERATORS)]
    working = asyncio.gather(*(one.work() for one in operators))
    await asyncio.sleep(1)
    killed = pods[2].app.worker_pid
    pods[2].kill()
    await working
    for scope, name in PLACES:
        await beside.transact(partial(Pauses("postgresql").resume, scope=scope, name=name))
    beside.wake_others(Wake.HOLDS)
    try:
        await until_answer(lambda: is_empty(beside), 60, what="all lanes are empty")
    finally:
        states = await beside.transact(read_states)
        await beside.close()
    replayed = sum((one.replayed for one in operators), Counter[str]())
    discarded: set[str] = set().union(*(one.discarded for one in operators))
    check(states, pods.listener_log, replayed, discarded, killed)


async def events(pods: Pods, slack: Slack) -> list[str]:
    """Events over some lanes and all pods, some of which fail at first."""

    async def one(n: int) -> str:
        text = f"n={n} work=0.0{n % 7}" + (" fail=1" if n % 5 == 0 else "")
        ack = await slack.event(pods[n % 3], text, lane=n % LANES)
        assert ack.ok
        return str(ack.sample.key)

    return await asyncio.gather(*(one(n) for n in range(EVENTS)))


async def is_empty(database: PostgresqlDatabase) -> bool:
    """Whether no lane is left, and so nothing that waits or runs."""
    return not await database.transact(lambda c: c.execute(select(lane.c.name)).all())


def read_states(connection: Connection) -> dict[str, tuple[str, str]]:
    """The state and the lane of each delivery, by its key."""
    rows: Any = connection.execute(select(delivery.c.key, delivery.c.state, delivery.c.lane))
    return {row.key: (row.state, row.lane) for row in rows}


def check(
    states: dict[str, tuple[str, str]],
    log: ListenerLog,
    replayed: Counter[str],
    discarded: set[str],
    killed: int | None,
) -> None:
    """What must be true at the end."""
    by_killed = {entry.key for entry in log.entries("done") if entry.pid == killed}
    done = log.counts("done")
    assert len(states) == EVENTS
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
