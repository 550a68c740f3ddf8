"""PostgreSQL reads no more for a statement than it returns, however much waits, backs off or has ended."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from app.inbox.accept import Item
from app.inbox.accept_at_once import AcceptAtOnce
from app.inbox.claim import Claim, Next
from app.inbox.desk import Desk, Filter
from app.inbox.postgresql import PostgresqlDatabase
from app.inbox.retention import Retention
from tests.support.plans import plans
from tests.support.postgresql import PostgreSQL

# So much that looking at all of it would be the worse plan.
FILL = """
INSERT INTO delivery (key, lane, kind, content_type, received_at, state, attempts, crashes, ended_at)
SELECT 'A1:Ev' || n, 'C' || n, 'event', 'application/json', 0, 'done', 1, 0, extract(epoch FROM now())
FROM generate_series(1, 20000) n;
INSERT INTO lane (name, pending, epoch, claimable_at)
SELECT 'C' || n, 1, 0, extract(epoch FROM now()) + 3600 FROM generate_series(1, 20000) n;
ANALYZE
"""
ITEMS = [Item(f"A1:Ev-new-{n}", f"C{n % 20}", "event", "application/json", "{}", None, take=True) for n in range(30)]
ACCEPT = AcceptAtOnce("one", 30.0)
CLAIM = Claim("postgresql", "one", 30.0, Next("postgresql"))


@pytest.fixture
async def database(postgres: PostgreSQL) -> AsyncIterator[PostgresqlDatabase]:
    """20,000 tombstones of today, 20,000 lanes that wait for their backoff, and nothing to do."""
    database = PostgresqlDatabase(make_url(postgres.new_database()))
    await database.migrate()
    for statement in FILL.split(";"):
        await database.transact(lambda c, statement=statement: c.execute(text(statement)) and None)  # type: ignore[misc]
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("work", "index_condition"),
    [
        (lambda c: ACCEPT.statement(c, ACCEPT.parameters(1, ITEMS)), "Index Cond: (key = rows.key)"),
        (lambda c: CLAIM(c, 1, 0, 10), "Index Cond: (claimable_at <="),
        (lambda c: CLAIM.waits(c, 60), "Index Cond: (claimable_at <="),
        (Retention(26 * 3600, 1e6), "Index Cond: ((state = 'done'::text) AND (ended_at <"),
        (lambda c: Desk("postgresql").entries(c, Filter()), "Bitmap Index Scan on delivery_live"),
        (lambda c: Desk("postgresql").entries(c, Filter("dead")), "Index Cond: (state = 'dead'::text)"),
        (lambda c: Desk("postgresql").entries(c, Filter("waiting")), "using delivery_live"),
    ],
    ids=["accept", "claim", "waits", "retention", "list", "list dead", "list waiting"],
)
async def test_an_index_leads_to_what_is_due(
    database: PostgresqlDatabase, work: Callable[[Connection], object], index_condition: str
) -> None:
    """What is not due yet, or ended lately, is not looked at: its index begins and ends the search."""
    first, *_ = await database.transact(lambda c: plans(c, work))
    assert index_condition in first


async def test_an_accept_gives_no_id_before_it_has_all_lanes(database: PostgresqlDatabase) -> None:
    """Whatever way PostgreSQL takes to put deliveries and lanes together, it has counted all the lanes before that."""
    plan, *_ = await database.transact(lambda c: plans(c, lambda c: ACCEPT.statement(c, ACCEPT.parameters(1, ITEMS))))
    before_the_first_row = [
        r"Insert on delivery.*",
        r"InitPlan \d+ \(returns (\$\d+)\)\n",
        r" *->  Aggregate [^\n]*\n[^>]*->  CTE Scan on locked.*",
        r"One-Time Filter: \(\1 > 0\)\n.*",
        r"(Join|Nested Loop) ",
    ]
    assert re.search("".join(before_the_first_row), plan, re.DOTALL), plan
