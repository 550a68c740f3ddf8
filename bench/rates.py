"""What a delivery costs PostgreSQL and the inbox of one pod at loads that arrive at random: CPU, commits, WAL.

python -m bench.rates                   a minute; docs/capacity.md has its table
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time

import uvloop
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from bench.postgres import Postgres
from bench.processes import cpu, end_well
from bench.scratch import scratch

BODY = '{"text":"' + "x" * 980 + '"}'
RUN_SECONDS = 0.05
# PostgreSQL tells its counters when a backend has been idle for a second.
TOLD_AFTER_SECONDS = 1.2
COUNTED = text(
    "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, xact_commit FROM pg_stat_database WHERE datname = current_database()"
)


def counters(connection: Connection) -> tuple[float, int]:
    """Bytes of WAL, and commits, since the beginning."""
    wal, commits = connection.execute(COUNTED).one()
    return float(wal), int(commits)


async def one(inbox: Inbox, key: str) -> None:
    """A delivery in a lane of its own."""
    item = Item(key, key, "event", "application/json", BODY, take=True)
    held = (await inbox.accept(item, time.monotonic() + 3)).held
    if held is not None:
        await asyncio.sleep(RUN_SECONDS)
        await inbox.complete(Outcome(held.lease, held.stored.id, End.DONE))


async def at(rate: int, seconds: float, inbox: Inbox, postgres: Postgres) -> None:
    """Measures one load, and prints its row."""
    await asyncio.sleep(TOLD_AFTER_SECONDS)
    wal, commits = await inbox.database.transact(counters)
    theirs, ours, began = cpu(postgres.pid), time.process_time(), time.monotonic()
    due, deliveries = began, []
    for number in range(int(rate * seconds)):
        due += random.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        deliveries.append(asyncio.create_task(one(inbox, f"{rate}-{number}")))
    await asyncio.gather(*deliveries)
    elapsed, own = time.monotonic() - began, time.process_time() - ours
    await asyncio.sleep(TOLD_AFTER_SECONDS)
    wal_after, commits_after = await inbox.database.transact(counters)
    spent, count = cpu(postgres.pid), len(deliveries)
    database = spent.user + spent.system - theirs.user - theirs.system
    print(
        f"{count / elapsed:>6,.0f}/s: {(commits_after - commits) / elapsed:>4,.0f} commits/s, "
        f"CPU a delivery: {1e6 * own / count:>5,.0f} us here, {1e6 * database / count:>5,.0f} us in PostgreSQL, "
        f"WAL {(wal_after - wal) / count:,.0f} bytes",
        flush=True,
    )


async def run(rates: list[int], seconds: float, postgres: Postgres) -> None:
    database = PostgresqlDatabase(make_url(postgres.new_database("rates")))
    await database.migrate()
    inbox = Inbox(database, lease_seconds=15)
    await inbox.open()
    for rate in rates:
        await at(rate, seconds, inbox, postgres)
    await inbox.close()


def main() -> None:
    end_well()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", nargs="+", type=int, default=[10, 100, 300, 1000])
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    with scratch("rates") as directory:
        postgres = Postgres(directory, max(os.sched_getaffinity(0)))
        try:
            uvloop.run(run(options.rates, options.seconds, postgres))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
