"""A claim that takes workspaces in turn reads little more than it returns, however long the queue of one of them is."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from anchorbolt.inbox.claim import Claim
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.parking import WakingInTurn
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import lane
from sqlalchemy import Connection, insert, update
from sqlalchemy.engine import make_url

from tests.support.plans import plans
from tests.support.postgresql import PostgreSQL

LANES = 30_000


def wait(connection: Connection) -> None:
    """30,000 lanes of one workspace wait, and a few of two others that came later."""
    of_workspace = ["T1"] * LANES + ["T2"] * 5 + ["T3"] * 5
    rows = [
        {"name": f"C{n}", "pending": 1, "epoch": 0, "claimable_at": 1000 + n, "workspace": workspace}
        for n, workspace in enumerate(of_workspace)
    ]
    connection.execute(insert(lane), rows)


async def test_sqlite_takes_few_steps() -> None:
    """SQLite counts its own steps: a walk over the queue would take more than one a lane."""
    database = SqliteDatabase(None)
    await database.open()
    await database.migrate()
    claim = Claim(Store(database, time.monotonic), Owner("one", 30.0))

    def work(connection: Connection) -> tuple[int, int]:
        wait(connection)
        driver: Any = connection.connection.driver_connection
        steps: list[None] = []
        driver.set_progress_handler(lambda: steps.append(None), 1)
        found = claim._choose(connection, 10, 4)
        driver.set_progress_handler(None, 0)
        return len(found), len(steps)

    found, steps = await database.transact(work)
    assert found == 10
    assert steps < LANES / 10
    await database.close()


@pytest.mark.parametrize("before", [False, True], ids=["planned while it waits", "planned before"])
async def test_postgresql_reads_few_pages(shared_postgres: PostgreSQL, before: bool) -> None:
    """Also by a plan from when nothing waited, which is kept while the queue grows."""
    database = PostgresqlDatabase(make_url(shared_postgres.new_database()))
    await database.migrate()
    claim = Claim(Store(database, time.monotonic), Owner("one", 30.0))

    def work(connection: Connection) -> None:
        assert len(claim._choose(connection, 10, 4)) == 10

    for _ in range(6 if before else 0):  # PostgreSQL keeps the plan after five times
        await database.transact(lambda c: claim._choose(c, 10, 4) and None)
    await database.transact(wait, 60)
    by_age, in_turn = await database.transact(lambda c: plans(c, work))
    for plan in (by_age, in_turn):
        (pages, *_) = re.findall(r"Buffers: shared hit=(\d+)", plan)
        assert int(pages) < 200, plan
        assert not re.search(r"Seq Scan on lane\b", plan), plan
    await database.close()


def park(connection: Connection) -> None:
    """The same lanes, parked behind the limit of a listener."""
    wait(connection)
    connection.execute(update(lane).values(waits_for="limit:a"))


async def test_sqlite_wakes_parked_lanes_in_few_steps() -> None:
    """As the claim: also what is parked is not walked over to find the workspaces."""
    database = SqliteDatabase(None)
    await database.open()
    await database.migrate()
    wake = WakingInTurn("sqlite")

    def work(connection: Connection) -> tuple[int, int]:
        park(connection)
        driver: Any = connection.connection.driver_connection
        steps: list[None] = []
        driver.set_progress_handler(lambda: steps.append(None), 1)
        woken = wake(connection, "limit:a", 10)
        driver.set_progress_handler(None, 0)
        return woken, len(steps)

    woken, steps = await database.transact(work)
    assert woken == 10
    assert steps < LANES / 10
    await database.close()


async def test_postgresql_wakes_parked_lanes_by_the_index(shared_postgres: PostgreSQL) -> None:
    """As the claim: it reads few pages, and not the whole table."""
    database = PostgresqlDatabase(make_url(shared_postgres.new_database()))
    await database.migrate()
    wake = WakingInTurn("postgresql")

    def work(connection: Connection) -> None:
        assert wake(connection, "limit:a", 10) == 10

    await database.transact(park, 60)
    in_turn, *_ = await database.transact(lambda c: plans(c, work))
    (pages, *_) = re.findall(r"Buffers: shared hit=(\d+)", in_turn)
    assert int(pages) < 200, in_turn
    assert not re.search(r"Seq Scan on lane\b", in_turn), in_turn
    await database.close()
