"""Deliveries that are stored encrypted run as others do, and one that cannot be decrypted holds up nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.encryption import Keys, is_encrypted
from anchorbolt.inbox.delivery_encryption import BODY, HISTORY, DeliveryEncryption, place
from anchorbolt.inbox.delivery_encryption import HEADERS as HEADERS_COLUMN
from anchorbolt.inbox.history import read
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Stored
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.worker.decryption import PATIENCE_SECONDS, PAUSE_SECONDS, Decryption
from anchorbolt.worker.verdict import Reason
from sqlalchemy import update

from tests.support.waiting import until_answer
from tests.unit.worker.conftest import Bench, Clock, event, stored

OLD, NEW = b"o" * 32, b"n" * 32
NOBODYS = b"x" * 32
HEADERS = {"user-agent": "Slackbot"}


@pytest.fixture
async def encrypting(tmp_path: Path) -> AsyncIterator[Bench]:
    """As `bench`, with a file and keys."""
    clock = Clock()
    database = SqliteDatabase(tmp_path / "inbox.db", clock=clock)
    inbox = Inbox(database, lease_seconds=9, clock=clock, keys=Keys([NEW, OLD]))
    await inbox.open()
    clock.now += 10
    yield Bench(inbox, database, clock)
    await inbox.close()


async def nothing(run: Run) -> None:
    """A listener that succeeds."""


async def fail(run: Run) -> None:
    """A listener with a bug."""
    raise ValueError("planted")


async def store(bench: Bench, key: bytes | None, n: int = 0) -> str:
    """An event that waits in a lane of its own, stored with this key, or in the clear. Its idempotency key."""
    bench.inbox.encryption = DeliveryEncryption(Keys([key])) if key is not None else None
    storing, _ = bench.worker(nothing, concurrency=1)
    found = event(f"C{n}")
    found.headers = HEADERS
    await storing.accept(found, bench.clock.now + 100, reserved=False)
    bench.inbox.encryption = DeliveryEncryption(Keys([NEW, OLD]))
    return found.key


async def test_what_is_stored_with_any_of_the_keys_or_none_runs(encrypting: Bench) -> None:
    """Deliveries of the old key, of the new one, and of the time before there were keys run with their bodies."""
    keys = [await store(encrypting, key, n) for n, key in enumerate((OLD, NEW, None))]
    assert [is_encrypted((await encrypting.row(key)).body) for key in keys] == [True, True, False]
    worker, dispatch = encrypting.worker(nothing)
    worker.start()
    for key in keys:
        assert (await encrypting.until_ended(key)).state == "done"
    assert {run.delivery.payload["event"]["channel"] for run in dispatch.runs} == {"C0", "C1", "C2"}
    assert [run.delivery.headers for run in dispatch.runs] == [HEADERS] * 3
    await worker.stop()


async def test_what_arrives_runs_here_and_its_attempt_is_stored_encrypted(encrypting: Bench) -> None:
    """A delivery that runs where it arrived leaves a line about its failure that names nothing in the clear."""
    worker, dispatch = encrypting.worker(fail)
    worker.start()
    found = event()
    await worker.accept(found, encrypting.clock.now + 100, reserved=await worker.reserve())
    row = await encrypting.until_ended(found.key)
    assert row.state == "dead"
    assert "planted" not in row.history
    keys = Keys([NEW])
    (past,) = read(row.history, lambda text: keys.decrypt(text, place(found.key, HISTORY)))
    assert past.error == "ValueError: planted"
    assert len(dispatch.concluded) == 1
    await worker.stop()


async def test_one_that_was_changed_is_a_dead_letter_at_once_and_others_run(encrypting: Bench) -> None:
    """A body that does not decrypt ends its delivery without a run, without the app's error handler, and alone."""
    bad, good = await store(encrypting, NEW, 1), await store(encrypting, NEW, 2)
    body = (await encrypting.row(good)).body
    moved = update(deliveries).where(deliveries.c.key == bad).values(body=body)
    await encrypting.database.transact(lambda connection: connection.execute(moved) and None)
    worker, dispatch = encrypting.worker(nothing)
    worker.start()
    assert (await encrypting.until_ended(good)).state == "done"
    row = await encrypting.until_ended(bad)
    assert (row.state, row.attempts) == ("dead", 1)
    assert "cannot be decrypted" in row.error
    assert [run.delivery.key for run in dispatch.runs] == [good]
    assert dispatch.concluded == []
    await worker.stop()


async def until_waits(bench: Bench, key: str) -> Any:
    """Waits until a delivery has been handed back for want of its key."""

    async def handed_back() -> Any:
        row = await bench.row(key)
        return row if row.error is not None else None

    return await until_answer(handed_back, what=f"{key} was handed back")


async def test_one_whose_key_is_missing_waits_for_a_pod_that_has_it_and_then_is_a_dead_letter(
    encrypting: Bench,
) -> None:
    """While keys are rolled out another pod may have the key: it costs no attempt. Later such are buried at once."""
    one = await store(encrypting, NOBODYS, 1)
    worker, dispatch = encrypting.worker(nothing)
    worker.start()
    row = await until_waits(encrypting, one)
    assert (row.state, row.attempts) == ("live", 0)
    assert "waits for a pod that can decrypt it: TOKEN_KEYS has no key" in row.error
    encrypting.clock.now += PATIENCE_SECONDS
    row = await encrypting.until_ended(one)
    assert row.state == "dead"
    assert "TOKEN_KEYS has no key" in row.error
    assert "`anchorbolt inbox replay`" in row.error
    assert (dispatch.runs, dispatch.concluded) == ([], [])
    await worker.stop()


async def test_a_pod_without_keys_hands_back_what_is_encrypted(encrypting: Bench) -> None:
    """A pod that no key was given to yet buries nothing; one with the key then runs it, with a fresh count."""
    one = await store(encrypting, NEW, 1)
    encrypting.inbox.encryption = None
    without, _ = encrypting.worker(nothing)
    without.start()
    await until_waits(encrypting, one)
    await without.stop()
    encrypting.inbox.encryption = DeliveryEncryption(Keys([NEW]))
    worker, dispatch = encrypting.worker(nothing)
    worker.start()
    assert (await encrypting.until_ended(one)).state == "done"
    assert [run.attempt.attempt for run in dispatch.runs] == [1]
    await worker.stop()


def encrypted(key: bytes, name: str) -> Stored:
    """A delivery whose body is encrypted with this key."""
    return replace(stored(1), key=name, body=Keys([key]).encrypt("{}", place(name, BODY)))


def test_each_missing_key_has_its_own_patience() -> None:
    """A second rollout may bring the one, after the first one's time is over; each waits a moment between claims."""
    clock = Clock()
    mine = Decryption(DeliveryEncryption(Keys([NEW])), clock)
    first, second = encrypted(OLD, "A:Ev1"), encrypted(NOBODYS, "A:Ev2")
    verdict = mine.judge(first)
    assert (verdict.end, verdict.delay_seconds, verdict.reason) == (End.HANDED_BACK, PAUSE_SECONDS, None)
    clock.now += PATIENCE_SECONDS - 1
    assert mine.judge(first).end is mine.judge(second).end is End.HANDED_BACK
    clock.now += 1
    assert (mine.judge(first).end, mine.judge(first).reason) == (End.DEAD, Reason.UNREADABLE)
    assert mine.judge(second).end is End.HANDED_BACK


def test_what_was_changed_is_said() -> None:
    """The body or the headers are those of another delivery, or broken: which key they name does not matter."""
    mine = Decryption(DeliveryEncryption(Keys([NEW])), Clock())
    others = replace(encrypted(NEW, "A:Ev1"), key="A:Ev2")
    headers = Keys([NEW]).encrypt("{}", place("A:Ev9", HEADERS_COLUMN))
    for changed in (others, replace(encrypted(NEW, "A:Ev1"), headers=headers)):
        verdict = mine.judge(changed)
        assert verdict.end is End.DEAD
        assert verdict.error == "cannot be decrypted: this was changed, or was encrypted for another place"
        assert verdict.reason is Reason.UNREADABLE
