"""SQLite finds by an index what is asked again and again: while it looks, nothing else happens in the process."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.claim import Claim
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.renew import Renew
from anchorbolt.inbox.retention import Retention
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.stats import Count
from anchorbolt.inbox.store import Store
from sqlalchemy import Connection


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    """Plans do not hang on what is in the tables: SQLite keeps no count of that by itself."""
    database = SqliteDatabase(None)
    await database.open()
    await database.migrate()
    yield database
    await database.close()


OWNER = Owner("one", 30.0)
# Only its dialect is asked: the statements are sent to the database of each test.
NOWHERE = Store(SqliteDatabase(None), time.monotonic)
ACCEPT, COMPLETE = NOWHERE.database.accept(NOWHERE, OWNER), NOWHERE.database.complete(NOWHERE, OWNER)
CLAIM, RENEW = Claim(NOWHERE, OWNER), Renew(NOWHERE, OWNER)


def accept_and_complete(connection: Connection) -> None:
    """Two lanes, one of which goes on; and duplicates."""
    items = [Item(f"A1:Ev-{n}", f"C{n % 2}", "event", "application/json", "{}", None, take=True) for n in range(3)]
    held = [one.held for one in ACCEPT.in_transaction(connection, 1, 0, items) if one.held]
    ACCEPT.in_transaction(connection, 2, 0, items)
    RENEW.in_transaction(connection, [one.lease for one in held])
    COMPLETE.in_transaction(
        connection, 0, [Outcome(one.lease, one.stored.id, End.DONE, go_on=True, attempt=1) for one in held]
    )


def plan(connection: Connection, work: Callable[[Connection], object]) -> str:
    """How SQLite does each statement of a piece of work, a step a line."""
    seen: list[str] = []
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(seen.append)  # with the parameters in their places
    work(connection)
    driver.set_trace_callback(None)
    steps = [driver.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in seen if not sql.startswith("--")]
    return "\n".join(detail for of_statement in steps for *_, detail in of_statement)


@pytest.mark.parametrize(
    "work",
    [
        Count(),
        Retention(26 * 3600, 30 * 86400),
        lambda c: CLAIM.in_transaction(c, 1, 0, 10, 4),
        accept_and_complete,
    ],
    ids=["stats", "retention", "claim", "accept and complete"],
)
async def test_no_scan_of_the_deliveries(database: Database, work: Callable[[Connection], object]) -> None:
    """The table that only grows is never read from one end to the other."""
    found = await database.transact(lambda connection: plan(connection, work))
    assert "SEARCH" in found
    assert "SCAN delivery" not in found


async def test_nothing_is_planned_twice(database: Database) -> None:
    """What is asked all the time is prepared once: a parameter that SQLite compares with an index's condition, as the
    state of a delivery, would have it plan the whole statement again whenever it is bound."""
    planned: list[object] = []

    def plans(*asked: object) -> int:
        planned.append(asked)
        return sqlite3.SQLITE_OK

    def watch(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_authorizer(plans)  # whoever plans a statement asks it

    def again(connection: Connection) -> None:
        with connection.begin_nested() as savepoint:
            accept_and_complete(connection)
            savepoint.rollback()

    await database.transact(watch)
    await database.transact(again)
    assert planned
    await database.transact(again)
    planned.clear()
    await database.transact(again)
    assert [asked for asked in planned if "delivery" in repr(asked) or "lane" in repr(asked)] == []


async def test_a_claim_finds_the_urgent_and_the_others_by_indexes(database: Database) -> None:
    """Neither sort is looked for among the lanes of the other, which may be many."""
    found = await database.transact(lambda c: plan(c, lambda c: CLAIM.in_transaction(c, 1, 0, 10, 4)))
    assert "SEARCH lane USING INDEX lane_urgent (claimable_at<?)" in found
    assert "SEARCH lane USING INDEX lane_claimable (claimable_at<?)" in found
    assert "SCAN lane" not in found
