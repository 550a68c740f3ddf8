"""PostgreSQL reads no more for a statement than it returns, however much waits, backs off or has ended."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable

import pytest
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.admin import Admin, Filter
from anchorbolt.inbox.claim import Claim
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.postgresql.accept import PostgresqlAccept
from anchorbolt.inbox.postgresql.complete import PostgresqlComplete
from anchorbolt.inbox.renew import Renew
from anchorbolt.inbox.retention import Retention
from anchorbolt.inbox.store import Store
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

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
ITEMS, BEHIND, MORE = (
    [Item(f"A1:Ev-{which}-{n}", f"C-new-{n}", "event", "application/json", "{}", None, take=True) for n in range(30)]
    for which in range(3)
)
OWNER = Owner("one", 30.0)
# Only its dialect is asked: the statements are sent to the database of each test.
NOWHERE = Store(PostgresqlDatabase(make_url("postgresql+asyncpg://nowhere")), time.monotonic)
ACCEPT, COMPLETE = PostgresqlAccept(NOWHERE, OWNER), PostgresqlComplete(NOWHERE, OWNER)
CLAIM, RENEW = Claim(NOWHERE, OWNER), Renew(NOWHERE, OWNER)
# Of a table whose rows are named by what is sent.
WALK = r"Seq Scan on (delivery|lane)\b"


@pytest.fixture
async def database(shared_postgres: PostgreSQL) -> AsyncIterator[PostgresqlDatabase]:
    """20,000 tombstones of today, 20,000 lanes that wait for their backoff, and nothing to do."""
    database = PostgresqlDatabase(make_url(shared_postgres.new_database()))
    await database.migrate()
    await fill(database)
    yield database
    await database.close()


async def fill(database: PostgresqlDatabase) -> None:
    """Statement by statement."""
    for statement in FILL.split(";"):
        await database.transact(lambda c, statement=statement: c.execute(text(statement)) and None)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("work", "index_condition"),
    [
        (lambda c: ACCEPT.statement(c, ACCEPT.parameters(1, ITEMS)), "Index Cond: (key = rows.key)"),
        (lambda c: CLAIM.in_transaction(c, 1, 0, 10), "Index Cond: (claimable_at <="),
        (lambda c: CLAIM.waits(c, 60), "Index Cond: (claimable_at <="),
        (Retention(26 * 3600, 1e6), "Index Cond: ((state = 'done'::text) AND (ended_at <"),
        (lambda c: Admin("postgresql").entries(c, Filter()), "Bitmap Index Scan on delivery_live"),
        (lambda c: Admin("postgresql").entries(c, Filter("dead")), "Index Cond: (state = 'dead'::text)"),
        (lambda c: Admin("postgresql").entries(c, Filter("waiting")), "using delivery_live"),
    ],
    ids=["accept", "claim", "waits", "retention", "list", "list dead", "list waiting"],
)
async def test_an_index_leads_to_what_is_due(
    database: PostgresqlDatabase, work: Callable[[Connection], object], index_condition: str
) -> None:
    """What is not due yet, or ended lately, is not looked at: its index begins and ends the search."""
    first, *_ = await database.transact(lambda c: plans(c, work))
    assert index_condition in first


async def test_a_claim_finds_the_urgent_and_the_others_by_indexes(database: PostgresqlDatabase) -> None:
    """Neither sort is looked for among the lanes of the other, which may be many."""
    first, *_ = await database.transact(lambda c: plans(c, lambda c: CLAIM.in_transaction(c, 1, 0, 10, 4)))
    assert re.search(r"using lane_urgent on lane.*\n +Index Cond: \(claimable_at <=", first), first
    assert re.search(r"using lane_claimable on lane.*\n +Index Cond: \(claimable_at <=", first), first
    assert not re.search(WALK, first), first


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


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
async def test_a_write_at_once_finds_its_rows_by_their_keys(shared_postgres: PostgreSQL, filled: bool) -> None:
    """Also by a plan from when the tables were empty, which is kept while they grow: no walk over the deliveries, nor
    over all that live."""
    database = PostgresqlDatabase(make_url(shared_postgres.new_database()))
    await database.migrate()
    if filled:
        await fill(database)
    accepted = await PostgresqlAccept(Store(database, time.monotonic), OWNER).in_one_statement(1, 0, [*ITEMS, *BEHIND])
    assert accepted is not None
    ends = [Outcome(one.held.lease, one.held.stored.id, End.DONE, go_on=True) for one in accepted if one.held]
    work = (ACCEPT.statement, ACCEPT.parameters(2, MORE)), (COMPLETE.statement, COMPLETE.parameters(ends))
    for statement, parameters in work:
        plan, *_ = await database.transact(lambda c, s=statement, p=parameters: plans(c, lambda c: s(c, p)))  # type: ignore[misc]
        looks = re.findall(r"(?:Scan using|Scan on) (?:delivery_\w+ on )?delivery.*\n +Index Cond: .*", plan)
        assert len(looks) == len(re.findall(r"Scan.* on delivery( |$)", plan)), plan
    await database.close()


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
async def test_a_transaction_finds_its_rows_by_their_keys(shared_postgres: PostgreSQL, filled: bool) -> None:
    """The same behind a pooler, for what a statement alone leaves over, and for claims and renewals: neither the
    deliveries nor the lanes are read from one end to the other."""
    database = PostgresqlDatabase(make_url(shared_postgres.new_database()))
    await database.migrate()
    if filled:
        await fill(database)

    def work(connection: Connection) -> None:
        accepted = ACCEPT.in_transaction(connection, 1, 0, [*ITEMS, *BEHIND])
        held = [one.held for one in accepted if one.held]
        outcomes = [Outcome(one.lease, one.stored.id, End.DONE, go_on=True, attempt=1) for one in held]
        again = ACCEPT.in_transaction(connection, 2, 0, ITEMS)  # duplicates
        assert not any(one.new for one in again)
        RENEW.in_transaction(connection, [one.lease for one in held])
        behind = [one.following for one in COMPLETE.in_transaction(connection, 0, outcomes) if one.following]
        ended = [Outcome(one.lease, one.stored.id, End.DONE, attempt=1) for one in behind]
        COMPLETE.in_transaction(connection, 0, ended)
        COMPLETE.in_transaction(connection, 0, ended, in_doubt=True)

    walks = [plan for plan in await database.transact(lambda c: plans(c, work)) if re.search(WALK, plan)]
    assert walks == [], "\n\n".join(walks)
    await database.close()
