"""A stored delivery keeps a few headers of its request until it is done, also beside a version that knows none."""

from __future__ import annotations

import pytest
from anchorbolt.inbox import schema
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.tables import REVISION, delivery
from anchorbolt.inbox.tables import inbox as inbox_table
from sqlalchemy import Connection, select, text

from tests.contract.conftest import LEASE_SECONDS, MakeDatabase
from tests.contract.steps import accept, accept_of, claim, complete_of, end, hold, item

HEADERS = '{"x-slack-retry-num":"1","user-agent":"Slackbot 1.0"}'

# What a process of revision 2 sends: it names its columns, and `headers` is not among them.
OLD_ACCEPT = (
    "INSERT INTO lane (name, pending, owner, epoch, claimable_at) VALUES ('C-old', 1, NULL, 1, 0)",
    "INSERT INTO delivery"
    " (key, lane, kind, content_type, body, traceparent, received_at, state, attempts, crashes)"
    " VALUES ('A1:Ev-old', 'C-old', 'event', 'application/json', '{}', NULL, 0, 'live', 0, 0)",
)
OLD_READ = (
    "SELECT lane, attempts, crashes, id, key, kind, content_type, body, traceparent, received_at"
    " FROM delivery WHERE key = 'A1:Ev-1'"
)
OLD_COMPLETE = (
    "UPDATE delivery SET state = 'done', body = NULL, error = NULL, ended_at = 0 WHERE key = 'A1:Ev-1'",
    "DELETE FROM lane WHERE name = 'C1'",
)


def with_headers(lane: str = "C1", key: str = "A1:Ev-1", *, take: bool = True) -> Item:
    """A delivery that came with some."""
    found = item(lane, key, take=take)
    found.headers = HEADERS
    return found


def execute(connection: Connection, *statements: str) -> None:
    """One after the other."""
    for statement in statements:
        connection.execute(text(statement))


async def stored(inbox: Inbox, key: str = "A1:Ev-1") -> tuple[str, str | None, str | None]:
    """State, body and headers of a delivery."""

    def read(connection: Connection) -> tuple[str, str | None, str | None]:
        found = select(delivery.c.state, delivery.c.body, delivery.c.headers).where(delivery.c.key == key)
        state, body, headers = connection.execute(found).one()
        return state, body, headers

    return await inbox.database.transact(read)


async def test_whoever_runs_it_has_them(inbox: Inbox) -> None:
    """What is taken at once, what is behind it in its lane, and what is claimed: each comes with its own headers."""
    first, _, without = await accept(
        inbox, with_headers(), with_headers(key="A1:Ev-2"), item("C2", "A1:Ev-3", take=False)
    )
    assert first.held is not None
    assert without.waiting
    assert first.held.stored.headers == HEADERS
    completed = await end(inbox, first.held, go_on=True)
    assert completed.following is not None
    assert completed.following.stored.headers == HEADERS
    await end(inbox, completed.following, End.RETRY)
    assert {one.stored.key: one.stored.headers for one in await claim(inbox)} == {"A1:Ev-2": HEADERS, "A1:Ev-3": None}


async def test_a_transaction_does_the_same(inbox: Inbox) -> None:
    """Where PostgreSQL takes a transaction instead of its one statement, nothing of them is lost."""
    store, write = accept_of(inbox).in_transaction, complete_of(inbox).in_transaction
    items = [with_headers(), with_headers(key="A1:Ev-2")]
    first, _ = await inbox.database.transact(lambda c: store(c, 77, 0, items))
    assert first.held is not None
    assert first.held.stored.headers == HEADERS
    outcome = Outcome(first.held.lease, first.held.stored.id, End.DONE, go_on=True)
    (completed,) = await inbox.database.transact(lambda c: write(c, 0, [outcome]))
    assert completed.following is not None
    assert completed.following.stored.headers == HEADERS
    assert await stored(inbox) == ("done", None, None)


@pytest.mark.parametrize(("how", "kept"), [(End.DONE, None), (End.DEAD, HEADERS), (End.HANDED_BACK, HEADERS)])
async def test_they_go_with_the_body(inbox: Inbox, how: End, kept: str | None) -> None:
    """A tombstone has neither body nor headers; what may run again keeps both."""
    (accepted,) = await accept(inbox, with_headers())
    assert accepted.held is not None
    await end(inbox, accepted.held, how)
    _, body, headers = await stored(inbox)
    assert headers == kept
    assert (body is None) == (headers is None)


async def test_a_replayed_dead_letter_still_has_them(inbox: Inbox) -> None:
    """A replay runs the request as it came; a dead letter that is discarded keeps nothing of it."""
    held = [one.held for one in await accept(inbox, with_headers(), with_headers("C2", "A1:Ev-2")) if one.held]
    for one in held:
        await end(inbox, one, End.DEAD)
    admin = Admin(inbox.database.dialect)
    replayed, discarded = (one.stored.id for one in held)
    await inbox.database.transact(lambda c: admin.replay(c, [replayed]))
    await inbox.database.transact(lambda c: admin.discard(c, [discarded]))
    assert [one.stored.headers for one in await claim(inbox)] == [HEADERS]
    assert await stored(inbox, "A1:Ev-2") == ("done", None, None)


@pytest.mark.parametrize("make_database", ["sqlite in a file", "postgresql"], indirect=True)
async def test_what_waits_in_the_schema_before_is_run(make_database: MakeDatabase) -> None:
    """1. A delivery waits in a database of revision 2; 2. it is migrated, a SQLite file by the process that serves from
    it; 3. what waited is run without headers, and what comes keeps its own."""
    database = make_database()
    if not database.shared:
        await database.open()
    await database.transact(lambda c: schema.run_revisions(c, "0002"), 60)
    await database.transact(lambda c: execute(c, *OLD_ACCEPT))
    if database.shared:
        await database.migrate()
    await database.close()
    inbox = Inbox(make_database(), lease_seconds=LEASE_SECONDS)
    await inbox.open()
    try:
        found = await inbox.database.transact(lambda c: c.execute(select(inbox_table)).one())
        assert tuple(found) == (1, REVISION, 1, None, None)
        (waited,) = await claim(inbox)
        assert (waited.stored.key, waited.stored.headers) == ("A1:Ev-old", None)
        (accepted,) = await accept(inbox, with_headers())
        assert accepted.held is not None
        assert accepted.held.stored.headers == HEADERS
        assert (await end(inbox, waited)).written
        assert (await end(inbox, accepted.held)).written
    finally:
        await inbox.close()


async def test_beside_a_process_of_the_version_before(inbox: Inbox) -> None:
    """What the statements of revision 2 store is run here; what is stored here, they read and end: each as it was."""
    await inbox.database.transact(lambda c: execute(c, *OLD_ACCEPT))
    (waited,) = await claim(inbox)
    assert (waited.stored.key, waited.stored.headers) == ("A1:Ev-old", None)
    assert (await end(inbox, waited)).written
    await accept(inbox, with_headers(take=False))
    assert await inbox.database.transact(lambda c: len(c.execute(text(OLD_READ)).all())) == 1
    await inbox.database.transact(lambda c: execute(c, *OLD_COMPLETE))
    (again,) = await accept(inbox, with_headers())
    assert not again.new
    assert (await hold(inbox)).stored.attempts == 1
