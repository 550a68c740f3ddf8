"""With keys, what is stored of deliveries is encrypted, in one way in all databases that outlive a process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from anchorbolt.encryption import Keys, is_encrypted
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.history import Past, line
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.tables import delivery
from sqlalchemy import Row, select, update

from tests.contract.conftest import LEASE_SECONDS
from tests.contract.steps import accept, claim, item

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = Keys([NEW])
PAST = Past(1, "app.on", "pod-1", 1_700_000_000.0, 1.5, "retry", "error", "ValueError: planted", "Traceback planted")
HEADERS = '{"user-agent":"planted"}'


@pytest.fixture
async def encrypting(database: Database) -> AsyncIterator[Inbox]:
    """An open inbox with a key."""
    inbox = Inbox(database, lease_seconds=LEASE_SECONDS, keys=KEYS)
    await inbox.open()
    yield inbox
    await inbox.close()


async def store(inbox: Inbox, lane: str, key: str) -> Held:
    """A delivery with headers, whose lane is taken."""
    of = item(lane, key)
    of.body, of.headers, of.workspace = '{"planted":1}', HEADERS, "T1"
    (accepted,) = await accept(inbox, of)
    assert accepted.held is not None
    assert of.body == '{"planted":1}', "what was given is not changed"
    return accepted.held


async def end(inbox: Inbox, held: Held, how: End) -> None:
    """Ends a run, with a line for its history."""
    assert inbox.encryption is not None
    record = inbox.encryption.encrypted_line(held.stored.key, line(PAST))
    assert (await inbox.complete(Outcome(held.lease, held.stored.id, how, "x", record=record))).written


async def row(inbox: Inbox, key: str) -> Row[Any]:
    """A delivery as it is stored."""
    return await inbox.store.transact(lambda c: c.execute(select(delivery).where(delivery.c.key == key)).one())


async def found(inbox: Inbox, key: str, keys: Keys) -> Any:
    """A delivery as an operator with these keys finds it."""
    return await inbox.store.transact(lambda c: Admin(inbox.database.dialect, keys).find(c, key))


def opened(inbox: Inbox, held: Held) -> Held:
    """What is held as it is run."""
    assert inbox.encryption is not None
    return inbox.encryption.decrypted(held)


async def test_body_headers_and_attempts_are_encrypted_and_come_back(encrypting: Inbox) -> None:
    """Nothing of them is in the row; who claims it, and an operator with the key, have them as they were."""
    if not encrypting.database.durable:
        pytest.skip("nothing is encrypted in memory")
    held = await store(encrypting, "C1", "A1:Ev1")
    await end(encrypting, held, End.RETRY)
    stored = await row(encrypting, "A1:Ev1")
    assert is_encrypted(stored.body)
    assert is_encrypted(stored.headers)
    assert is_encrypted(stored.history)
    assert "planted" not in str(stored)

    (held,) = await claim(encrypting)
    assert "planted" not in held.stored.body
    again = opened(encrypting, held).stored
    assert (again.body, again.headers) == ('{"planted":1}', HEADERS)
    await end(encrypting, held, End.DEAD)
    entry = await found(encrypting, "A1:Ev1", KEYS)
    assert (entry.body, entry.attempts_before, entry.undecryptable) == ('{"planted":1}', [PAST, PAST], None)
    without = await found(encrypting, "A1:Ev1", Keys([OLD]))
    assert (without.body, without.attempts_before) == (None, [])
    assert "TOKEN_KEYS has no key" in without.undecryptable


async def test_a_text_copied_to_another_delivery_stays_encrypted(encrypting: Inbox) -> None:
    """A body is bound to its key: in another row it is not read, and the rest of the claim is."""
    if not encrypting.database.durable:
        pytest.skip("nothing is encrypted in memory")
    for n in range(2):
        await end(encrypting, await store(encrypting, f"C{n}", f"A1:Ev{n}"), End.RETRY)
    first = select(delivery.c.body).where(delivery.c.key == "A1:Ev0").scalar_subquery()
    moved = update(delivery).where(delivery.c.key == "A1:Ev1").values(body=first)
    await encrypting.store.transact(lambda c: c.execute(moved) and None)
    held = {one.stored.key: opened(encrypting, one).stored.body for one in await claim(encrypting)}
    assert held["A1:Ev0"] == '{"planted":1}'
    assert is_encrypted(held["A1:Ev1"])
    assert "another place" in (await found(encrypting, "A1:Ev1", KEYS)).undecryptable


async def test_what_was_stored_before_there_were_keys_is_read(encrypting: Inbox) -> None:
    """A row in the clear is run and shown as it is."""
    encrypting.encryption, kept = None, encrypting.encryption
    held = await accept(encrypting, item("C1", "A1:Ev1"))
    encrypting.encryption = kept
    assert held[0].held is not None
    assert (await row(encrypting, "A1:Ev1")).body == '{"key":"A1:Ev1"}'
    if kept is not None:
        assert opened(encrypting, held[0].held).stored.body == '{"key":"A1:Ev1"}'
    assert (await found(encrypting, "A1:Ev1", KEYS)).body == '{"key":"A1:Ev1"}'


async def test_done_erases_what_is_encrypted(encrypting: Inbox) -> None:
    """What is done has no body, no headers and no attempts left, encrypted or not."""
    held = await store(encrypting, "C1", "A1:Ev1")
    assert (await encrypting.complete(Outcome(held.lease, held.stored.id, End.DONE))).written
    left = await row(encrypting, "A1:Ev1")
    assert (left.state, left.body, left.headers, left.history) == ("done", None, None, None)


async def test_nothing_is_encrypted_in_memory(encrypting: Inbox) -> None:
    """A database in memory ends with its process: its deliveries are as they came."""
    await store(encrypting, "C1", "A1:Ev1")
    assert is_encrypted((await row(encrypting, "A1:Ev1")).body) == encrypting.database.durable


async def test_an_operator_learns_how_many_have_another_key(encrypting: Inbox) -> None:
    """Letters of which the operator's keys lack the key are counted; those in the clear are not."""
    if not encrypting.database.durable:
        pytest.skip("nothing is encrypted in memory")
    held = await store(encrypting, "C1", "A1:Ev1")
    count = Admin(encrypting.database.dialect, Keys([OLD])).without_key
    assert await encrypting.store.transact(lambda c: count(c, [held.stored.id])) == 1
    assert await encrypting.store.transact(lambda c: Admin("", KEYS).without_key(c, [held.stored.id])) == 0
