"""Keys are rotated in one way in all databases: what is not encrypted with the first key is, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from anchorbolt.encryption import Keys
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.delivery_encryption import DeliveryEncryption
from anchorbolt.inbox.history import Past, line
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.tables import delivery, installation
from anchorbolt.workspaces import encrypted
from anchorbolt.workspaces import reencrypt as reencrypting
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.reencrypt import reencrypt
from sqlalchemy import select, update

from tests.contract.conftest import LEASE_SECONDS
from tests.contract.steps import accept, item
from tests.contract.test_installations import ONE, USER

OLD, NEW, LOST = b"o" * 32, b"n" * 32, b"l" * 32
BOTH, AFTER = Keys([NEW, OLD]), Keys([NEW])
PAST = Past(1, "app.on", "pod-1", 1_700_000_000.0, 1.5, "retry", "error", "ValueError", "Traceback\n  two lines")
BODY = '{\n"a": 1\n}'


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes follow at once."""
    monkeypatch.setattr(reencrypting, "PASS_PAUSE_SECONDS", 0)
    monkeypatch.setattr(reencrypting, "BATCH", 2)


@pytest.fixture
async def encrypting(database: Database) -> AsyncIterator[Inbox]:
    """An open inbox with the old key; in memory nothing is encrypted by itself, so here it is told to."""
    inbox = Inbox(database, lease_seconds=LEASE_SECONDS)
    inbox.encryption = DeliveryEncryption(Keys([OLD]))
    await inbox.open()
    yield inbox
    await inbox.close()


async def store(inbox: Inbox, n: int, end: End | None = None, *, key: bytes | None = OLD) -> None:
    """A delivery that waits or has ended, stored with a key, or in the clear."""
    inbox.encryption = DeliveryEncryption(Keys([key])) if key is not None else None
    of = item(f"C{n}", f"A1:Ev{n}")
    of.body, of.headers, of.workspace = BODY, '{"a":"b"}', f"T{n}"
    (accepted,) = await accept(inbox, of)
    assert accepted.held is not None
    if end is not None:
        record = line(PAST)
        if inbox.encryption is not None:
            record = inbox.encryption.encrypted_line(of.key, record)
        await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, end, "x", record=record))


async def found(inbox: Inbox, n: int, keys: Keys) -> Any:
    """A delivery as an operator with these keys finds it."""
    return await inbox.store.transact(lambda c: Admin(inbox.database.dialect, keys).find(c, f"A1:Ev{n}"))


async def test_everything_is_encrypted_with_the_first_key(encrypting: Inbox) -> None:
    """Tokens, and deliveries of each state, of the old key or in the clear, decrypt with the new key alone."""
    with_old = Installations(encrypting.database.dialect, Keys([OLD]))
    for n in range(3):
        one = replace(ONE, workspace=f"T{n}")
        await encrypting.store.transact(lambda c, one=one: with_old.save(c, one))
    await encrypting.store.transact(lambda c: with_old.save_user(c, USER))
    ends = (None, End.RETRY, End.DEAD, End.CANCELLED, End.DONE)
    for n, end in enumerate(ends):
        await store(encrypting, n, end)
    await store(encrypting, 5, End.DEAD, key=None)
    await store(encrypting, 6, End.DEAD, key=NEW)

    first = await reencrypt(encrypting.database, BOTH, 5)
    assert [(one.name, one.encrypted, one.left, one.undecryptable.total()) for one in first] == [
        ("installations", 3, 0, 0),
        ("tokens of users", 1, 0, 0),
        ("deliveries", 5, 0, 0),
    ]
    again = await reencrypt(encrypting.database, BOTH, 5)
    assert [one.encrypted for one in again] == [0, 0, 0]

    with_new = Installations(encrypting.database.dialect, AFTER)
    tokens = {one.workspace: one.bot for one in await encrypting.store.transact(with_new.all)}
    assert tokens == {f"T{n}": ONE.bot for n in range(3)}
    assert await encrypting.store.transact(lambda c: with_new.find_user(c, "T1", "U1")) == USER
    for n, end in enumerate(ends):
        entry = await found(encrypting, n, AFTER)
        assert entry.undecryptable is None
        assert (entry.body, len(entry.attempts_before)) == (
            (None, 0) if end is End.DONE else (BODY, int(end is not None))
        )
    assert (await found(encrypting, 5, AFTER)).attempts_before == [PAST]
    rows = select(delivery.c.body, delivery.c.headers, delivery.c.history)
    for row in await encrypting.store.transact(lambda c: c.execute(rows).all()):
        assert all(AFTER.is_current(part) for text in row if text is not None for part in text.split("\n") if part)


async def test_what_cannot_be_decrypted_is_counted_by_workspace_and_left(encrypting: Inbox) -> None:
    """A row of a key that nobody has is as it was, and the others are done."""
    await store(encrypting, 0, End.DEAD, key=LOST)
    await store(encrypting, 1, End.DEAD)
    before = await encrypting.store.transact(
        lambda c: c.execute(select(delivery).where(delivery.c.key == "A1:Ev0")).one()
    )
    *_, deliveries = await reencrypt(encrypting.database, BOTH, 5)
    assert (deliveries.encrypted, deliveries.left, dict(deliveries.undecryptable)) == (1, 0, {"T0": 1})
    after = await encrypting.store.transact(
        lambda c: c.execute(select(delivery).where(delivery.c.key == "A1:Ev0")).one()
    )
    assert after == before
    assert (await found(encrypting, 1, AFTER)).body == BODY


async def test_a_row_that_changed_meanwhile_is_left_to_the_next_pass(encrypting: Inbox) -> None:
    """What was read is not written over what came meanwhile; a later pass encrypts that."""
    await store(encrypting, 0, End.DEAD)
    await encrypting.store.transact(lambda c: Installations(c.dialect.name, Keys([OLD])).save(c, ONE))
    tokens, deliveries = encrypted.ENCRYPTED[0], encrypted.ENCRYPTED[2]
    for sort in (tokens, deliveries):
        rows = await encrypting.store.transact(lambda c, sort=sort: reencrypting._read(c, sort, sort.names(c)))
        changes = [(row, reencrypting._changed(sort, BOTH, row)) for row in rows]
        assert all(changed for _, changed in changes)
        refreshed = {"bot_token": "later"} if sort is tokens else {"history": None}
        meanwhile = update(sort.table).values(**refreshed)
        await encrypting.store.transact(lambda c, meanwhile=meanwhile: c.execute(meanwhile) and None)
        written = await encrypting.store.transact(
            lambda c, sort=sort, changes=changes: reencrypting._write(c, sort, changes)
        )
        assert written == 0
    assert await encrypting.store.transact(lambda c: c.execute(select(installation.c.bot_token)).scalar()) == "later"
    *_, last = await reencrypt(encrypting.database, BOTH, 5)
    assert (last.encrypted, last.left) == (1, 0)


async def test_rows_that_are_written_with_another_key_all_the_time_are_said_to_be_left(encrypting: Inbox) -> None:
    """While a pod goes on encrypting with the old key, the end says that something is left."""
    await store(encrypting, 0, End.DEAD)
    old = Keys([OLD]).encrypt(BODY, "delivery/A1:Ev0/body")
    back = update(delivery).values(body=old)
    names = encrypted.ENCRYPTED[2].names

    transact = encrypting.database.transact

    async def restless(work: Any, timeout_seconds: float = 5) -> Any:
        if work == names:
            await transact(lambda c: c.execute(back) and None)
        return await transact(work, timeout_seconds)

    encrypting.database.transact = restless  # type: ignore[method-assign]
    *_, last = await reencrypt(encrypting.database, BOTH, 5)
    assert last.left == 1
