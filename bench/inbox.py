"""`python -m bench.inbox`: what the inbox costs, and what a backlog does to its claims.

Accept and complete at 32 in flight, one by one and in groups, on SQLite and PostgreSQL (both durable), beside
procrastinate's defer and finish on the same PostgreSQL; accept at half of the peak; claims with 100,000 waiting.
Needs `uv sync --group bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sqlite import SqliteDatabase
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.support.plans import plans
from tests.support.postgresql import PostgreSQL

IN_FLIGHT = 32
LEASE_SECONDS = 60.0
BODY = '{"event":{"type":"app_mention","text":"' + "x" * 1_000 + '"}}'
WAITING = 100_000
LANES = 1_000
HOT_LANES = 10


@dataclass(frozen=True)
class Throughput:
    """One way on one database."""

    name: str
    deliveries: int
    per_second: int
    cpu_us: int  # of this process, a delivery


_numbers = itertools.count()


def item() -> Item:
    key = f"A1:Ev{next(_numbers)}"
    return Item(key, f"C{key}", "event", "application/json", BODY, None, take=True)


async def measured(name: str, count: int, one: Callable[[], Awaitable[None]]) -> Throughput:
    """`count` of them, 32 at a time."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))  # connections, statements
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Throughput(name, count, round(count / seconds), round(cpu / count * 1e6))


async def grouped(database: Database, name: str, count: int) -> Throughput:
    async with opened(database) as inbox:

        async def one() -> None:
            accepted = await inbox.accept(item(), time.monotonic() + 60)
            assert accepted.held is not None
            await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DONE))

        return await measured(name, count, one)


async def one_by_one(database: Database, name: str, count: int) -> Throughput:
    """The same statements, a transaction for each delivery and each end of one."""
    async with opened(database) as inbox:
        owner = Owner("bench", LEASE_SECONDS)
        accept = database.accept(inbox.store, owner).in_transaction
        complete = database.complete(inbox.store, owner).in_transaction
        epochs = itertools.count(1)

        async def one() -> None:
            epoch, now, it = next(epochs), time.monotonic(), item()
            (accepted,) = await database.transact(lambda c: accept(c, epoch, now, [it]), 60)
            assert accepted.held is not None
            outcome = Outcome(accepted.held.lease, accepted.held.stored.id, End.DONE)
            await database.transact(lambda c: complete(c, now, [outcome]), 60)

        return await measured(name, count, one)


async def procrastinate_(url: str, count: int) -> Throughput:
    """Defers jobs, 32 at a time, then a worker with 32 places runs and finishes them."""
    import procrastinate  # noqa: PLC0415 - only the bench group has it

    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=IN_FLIGHT, max_size=IN_FLIGHT)
    app = procrastinate.App(connector=connector)

    async def run(body: str) -> None:
        return None

    task = app.task(name="run")(run)

    async with app.open_async():
        await app.schema_manager.apply_schema_async()

        async def one() -> None:
            await task.defer_async(body=BODY)

        deferred = await measured("", count, one)
        began, cpu = time.perf_counter(), time.process_time()
        await app.run_worker_async(
            wait=False, concurrency=IN_FLIGHT, install_signal_handlers=False, listen_notify=False
        )
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    all_seconds = count / deferred.per_second + seconds
    cpu_us = deferred.cpu_us + round(cpu / (count + IN_FLIGHT) * 1e6)
    return Throughput("procrastinate: defer + finish, PostgreSQL", count, round(count / all_seconds), cpu_us)


async def at_half(database: Database, peak: int, seconds: float) -> dict[str, float]:
    """How long an accept takes while they arrive at random moments, at half of the peak."""
    async with opened(database) as inbox:
        latencies: list[float] = []

        async def one() -> None:
            began = time.perf_counter()
            accepted = await inbox.accept(item(), time.monotonic() + 60)
            latencies.append(time.perf_counter() - began)
            assert accepted.held is not None
            await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DONE))

        gap, due = random.Random(3).expovariate, time.perf_counter()
        until = due + seconds
        async with asyncio.TaskGroup() as group:
            while due < until:
                group.create_task(one())
                due += gap(peak / 2)
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
    latencies.sort()
    return {
        "rate": round(peak / 2),
        "median_ms": round(statistics.median(latencies) * 1000, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
    }


FILL = """
INSERT INTO delivery (key, lane, kind, content_type, body, received_at, state, attempts, crashes)
SELECT 'A1:Ev' || n, 'C' || {lane}, 'event', 'application/json', repeat('x', 1000), 0, 'live', 0, 0
FROM generate_series(1, {waiting}) n
"""
COUNT = """
INSERT INTO lane (name, pending, epoch, claimable_at)
SELECT lane, count(*), 0, extract(epoch FROM clock_timestamp()) + min(id) / 1e6 - 60 FROM delivery GROUP BY lane
"""
EVENLY = f"n % {LANES}"
MOSTLY_HOT = f"CASE WHEN n % 10 = 0 THEN {HOT_LANES} + n / 10 % {LANES - HOT_LANES} ELSE n % {HOT_LANES} END"


async def claims(url: str, lane: str, rounds: int) -> dict[str, Any]:
    """Claims against a backlog; each is completed and frees its lane, so that the next finds as much."""
    database = PostgresqlDatabase(make_url(url))
    async with opened(database) as inbox:
        await database.transact(lambda c: c.execute(text(FILL.format(lane=lane, waiting=WAITING))), 120)
        await database.transact(lambda c: c.execute(text(COUNT)), 120)
        found: dict[str, Any] = {"before ANALYZE": await _claim_times(inbox, rounds)}
        await database.transact(lambda c: c.execute(text("ANALYZE delivery, lane")), 60)
        found["after ANALYZE"] = await _claim_times(inbox, rounds)
        found["plans"] = await database.transact(
            lambda c: plans(c, lambda c: inbox._claim.in_transaction(c, 1, 0, 10)), 60
        )
        return found


async def _claim_times(inbox: Inbox, rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {
        "one UPDATE and its commit": [],
        "claim of 1": [],
        "claim of 50": [],
        "complete 50 and go on": [],
    }
    for _ in range(rounds):
        began = time.perf_counter()
        await inbox.database.transact(lambda c: c.execute(text("UPDATE inbox SET paused_at = NULL")))
        times["one UPDATE and its commit"].append(time.perf_counter() - began)
    for most in (1, 50):
        for _ in range(rounds):
            began = time.perf_counter()
            claimed = await inbox.claim(most)
            times[f"claim of {most}"].append(time.perf_counter() - began)
            assert len(claimed.held) == most
            began = time.perf_counter()
            ended = [Outcome(held.lease, held.stored.id, End.DONE, go_on=True) for held in claimed.held]
            completed = await asyncio.gather(*(inbox.complete(outcome) for outcome in ended))
            if most == 50:
                times["complete 50 and go on"].append(time.perf_counter() - began)
            kept = [one.following for one in completed if one.following is not None]
            back = [Outcome(held.lease, held.stored.id, End.HANDED_BACK) for held in kept]
            await asyncio.gather(*(inbox.complete(outcome) for outcome in back))
    return {name: round(statistics.median(of) * 1000, 2) for name, of in times.items()}


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Inbox]:
    if database.shared:
        await database.migrate()
    inbox = Inbox(database, lease_seconds=LEASE_SECONDS)
    await inbox.open()
    yield inbox
    await inbox.close()


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=20_000, help="deliveries in groups; one by one, a tenth")
    arguments.add_argument("--rounds", type=int, default=50, help="claims of each size")
    arguments.add_argument("--seconds", type=float, default=10, help="at half of the peak")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="anchorbolt-inbox-"))
    server = PostgreSQL(directory / "postgresql", fsync=True)
    server.start()
    few = asked.count // 10
    try:
        urls = (server.new_database() for _ in itertools.count())

        def postgresql(connections: int = 5) -> PostgresqlDatabase:
            return PostgresqlDatabase(make_url(next(urls)), connections=connections)

        found: list[Throughput] = []
        version = server.query("postgres", "SHOW server_version").strip()
        print(f"load {os.getloadavg()[0]:.1f}, PostgreSQL {version}, fsync on, {IN_FLIGHT} in flight", flush=True)
        runs: list[Callable[[], Awaitable[Throughput]]] = [
            lambda: one_by_one(SqliteDatabase(directory / "one.db"), "one by one, SQLite", few),
            lambda: grouped(SqliteDatabase(directory / "group.db"), "in groups, SQLite", asked.count),
            lambda: one_by_one(postgresql(IN_FLIGHT), "one by one, PostgreSQL", few),
            lambda: grouped(postgresql(), "in groups, PostgreSQL", asked.count),
            lambda: procrastinate_(next(urls).replace("+asyncpg", ""), few),
        ]
        for run in runs:
            found.append(await run())
            print(json.dumps(asdict(found[-1])), flush=True)
        print("in groups / one by one, PostgreSQL:", round(found[3].per_second / found[2].per_second, 1))
        for name, database, peak in (
            ("SQLite", SqliteDatabase(directory / "half.db"), found[1]),
            ("PostgreSQL", postgresql(), found[3]),
        ):
            half = await at_half(database, peak.per_second, asked.seconds)
            print(f"accept at half of the peak, {name}: {json.dumps(half)}", flush=True)
        for name, lane in (("evenly", EVENLY), ("10 lanes hold 90 %", MOSTLY_HOT)):
            result = await claims(next(urls), lane, asked.rounds)
            plans = result.pop("plans")
            print(f"claims, {WAITING} waiting in {LANES} lanes, {name}, median ms: {json.dumps(result)}", flush=True)
            (directory / f"plans-{len(name)}.txt").write_text("\n\n".join(plans))
        print(f"plans: {directory}/plans-*.txt")
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(main())
