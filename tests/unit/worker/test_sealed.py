"""Deliveries that are stored encrypted run as others do, and one that cannot be decrypted holds up nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.encryption import Keys, is_encrypted
from anchorbolt.inbox.history import read
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sealing import HISTORY, Sealing, place
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.worker.sealed import PATIENCE_SECONDS
from sqlalchemy import update

from tests.support.waiting import until_answer
from tests.unit.worker.conftest import Bench, Clock, event

OLD, NEW = b"o" * 32, b"n" * 32
NOBODYS = b"x" * 32
HEADERS = {"user-agent": "Slackbot"}


@pytest.fixture
async def sealing(tmp_path: Path) -> AsyncIterator[Bench]:
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
    bench.inbox.sealing = Sealing(Keys([key])) if key is not None else None
    storing, _ = bench.worker(nothing, concurrency=1)
    found = event(f"C{n}")
    found.headers = HEADERS
    await storing.accept(found, bench.clock.now + 100, reserved=False)
    bench.inbox.sealing = Sealing(Keys([NEW, OLD]))
    return found.key


async def test_what_is_stored_with_any_of_the_keys_or_none_runs(sealing: Bench) -> None:
    """Deliveries of the old key, of the new one, and of the time before there were keys run with their bodies."""
    keys = [await store(sealing, key, n) for n, key in enumerate((OLD, NEW, None))]
    assert [is_encrypted((await sealing.row(key)).body) for key in keys] == [True, True, False]
    worker, dispatch = sealing.worker(nothing)
    worker.start()
    for key in keys:
        assert (await sealing.until_ended(key)).state == "done"
    assert {run.delivery.payload["event"]["channel"] for run in dispatch.runs} == {"C0", "C1", "C2"}
    assert [run.delivery.headers for run in dispatch.runs] == [HEADERS] * 3
    await worker.stop()


async def test_what_arrives_runs_here_and_its_attempt_is_stored_encrypted(sealing: Bench) -> None:
    """A delivery that runs where it arrived leaves a line about its failure that names nothing in the clear."""
    worker, dispatch = sealing.worker(fail)
    worker.start()
    found = event()
    await worker.accept(found, sealing.clock.now + 100, reserved=await worker.reserve())
    row = await sealing.until_ended(found.key)
    assert row.state == "dead"
    assert "planted" not in row.history
    keys = Keys([NEW])
    (past,) = read(row.history, lambda text: keys.decrypt(text, place(found.key, HISTORY)))
    assert past.error == "ValueError: planted"
    assert len(dispatch.concluded) == 1
    await worker.stop()


async def test_one_that_was_changed_is_a_dead_letter_at_once_and_others_run(sealing: Bench) -> None:
    """A body that does not decrypt ends its delivery without a run, without the app's error handler, and alone."""
    bad, good = await store(sealing, NEW, 1), await store(sealing, NEW, 2)
    body = (await sealing.row(good)).body
    moved = update(deliveries).where(deliveries.c.key == bad).values(body=body)
    await sealing.database.transact(lambda connection: connection.execute(moved) and None)
    worker, dispatch = sealing.worker(nothing)
    worker.start()
    assert (await sealing.until_ended(good)).state == "done"
    row = await sealing.until_ended(bad)
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


async def test_one_whose_key_is_missing_waits_for_a_pod_that_has_it_and_then_is_a_dead_letter(sealing: Bench) -> None:
    """While keys are rolled out another pod may have the key: it costs no attempt. Later such are buried at once."""
    one = await store(sealing, NOBODYS, 1)
    worker, dispatch = sealing.worker(nothing)
    worker.start()
    row = await until_waits(sealing, one)
    assert (row.state, row.attempts) == ("live", 0)
    assert "waits for a pod that can decrypt it: TOKEN_KEYS has no key" in row.error
    sealing.clock.now += PATIENCE_SECONDS
    row = await sealing.until_ended(one)
    assert row.state == "dead"
    assert "TOKEN_KEYS has no key" in row.error
    assert "`anchorbolt inbox replay`" in row.error
    assert (dispatch.runs, dispatch.concluded) == ([], [])
    await worker.stop()


async def test_a_pod_without_keys_hands_back_what_is_encrypted(sealing: Bench) -> None:
    """A pod that no key was given to yet buries nothing; one with the key then runs it, with a fresh count."""
    one = await store(sealing, NEW, 1)
    sealing.inbox.sealing = None
    without, _ = sealing.worker(nothing)
    without.start()
    await until_waits(sealing, one)
    await without.stop()
    sealing.inbox.sealing = Sealing(Keys([NEW]))
    worker, dispatch = sealing.worker(nothing)
    worker.start()
    assert (await sealing.until_ended(one)).state == "done"
    assert [run.attempt.attempt for run in dispatch.runs] == [1]
    await worker.stop()
