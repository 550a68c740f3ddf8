"""What a claim took whose answer was lost does not wait for the end of its lease when the process ends properly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt.web_api.calls import GRACE_SECONDS
from anchorbolt.delivery import Delivery
from anchorbolt.errors import StoreUnavailableError, StoreUnknownError
from anchorbolt.inbox.claim import Claimed
from anchorbolt.worker.worker import Worker

from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, event
from tests.unit.worker.steps import LATER, away, nothing


def lose_answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """From now on a claim that takes something has no answer, until the patch is undone. Set once that has happened."""
    lost, transact = asyncio.Event(), bench.database.transact

    async def loses(work: Callable[..., Any]) -> object:
        answer = await transact(work)
        if not (isinstance(answer, Claimed) and answer.held):
            return answer
        lost.set()
        raise StoreUnknownError("the connection broke at a commit")

    monkeypatch.setattr(bench.database, "transact", loses)
    return lost


async def claimed_in_doubt(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[Worker, Delivery]:
    """A worker that claims the lane of an event, and never hears of it."""
    worker, dispatch = bench.worker(nothing)
    delivery = event()
    await worker.accept(delivery, LATER, reserved=False)
    with monkeypatch.context() as patch:
        lost = lose_answers(bench, patch)
        worker.start()
        await lost.wait()
    lane = await bench.lane(delivery.lane)
    assert lane is not None
    assert (lane.owner, dispatch.runs) == (bench.inbox.owner, [])
    worker.stop_taking()
    return worker, delivery


async def is_free(bench: Bench, delivery: Delivery) -> bool:
    """Whether another process may claim the lane now, for the first attempt."""
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    return (row.state, row.attempts, lane.owner, lane.claimable_at <= bench.clock.now) == ("live", 0, None, True)


async def test_a_drain_gives_back_what_a_claim_took_without_an_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may claim it at once, and is told of that, as one without a free slot is of an urgent event."""
    worker, delivery = await claimed_in_doubt(bench, monkeypatch)
    told = list[str]()
    monkeypatch.setattr(bench.inbox, "wake_others", lambda: told.append("a lane waits"))
    monkeypatch.setattr(bench.inbox, "wake_others_urgently", lambda: told.append("perhaps of an urgent event"))
    assert await worker.hand_back(5) == 0
    assert await is_free(bench, delivery)
    assert told == ["a lane waits", "perhaps of an urgent event"]
    await worker.stop()


async def test_a_drain_tries_until_the_database_is_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What broke the connection may last for a moment longer."""
    worker, delivery = await claimed_in_doubt(bench, monkeypatch)
    tries, transact = list[str](), bench.database.transact

    async def away_at_first(work: Callable[..., Any]) -> object:
        tries.append("a try")
        if len(tries) == 1:
            raise StoreUnavailableError("away")
        return await transact(work)

    monkeypatch.setattr(bench.database, "transact", away_at_first)
    await worker.hand_back(5)
    assert await is_free(bench, delivery)
    await worker.stop()


async def test_a_defect_of_ours_does_not_end_the_drain(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the claim raises is logged, and the runs are waited for all the same."""
    worker, delivery = await claimed_in_doubt(bench, monkeypatch)

    async def fails(*_: int) -> object:
        raise KeyError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(bench.inbox, "claim", fails)
        assert await worker.hand_back(5) == 0
    assert not await is_free(bench, delivery)
    await worker.stop()


async def test_a_drain_does_not_wait_for_ever_for_the_database(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stays away, the process ends all the same, and the lanes are free when their lease is over."""
    worker, delivery = await claimed_in_doubt(bench, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(bench.database, "transact", away)
        assert await worker.hand_back(0.1 - GRACE_SECONDS) == 0
    assert not await is_free(bench, delivery)
    await worker.stop()


async def test_a_drain_waits_for_the_claim_that_is_under_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its answer brings is handed back too, before the drain has ended."""
    worker, dispatch = bench.worker(nothing)
    delivery = event()
    await worker.accept(delivery, LATER, reserved=False)
    claim, asked, answer = bench.inbox.claim, asyncio.Event(), asyncio.Event()

    async def slowly(most: int, urgent: int = 0) -> object:
        claimed = await claim(most, urgent)
        asked.set()
        await answer.wait()
        return claimed

    monkeypatch.setattr(bench.inbox, "claim", slowly)
    worker.start()
    await asked.wait()
    worker.stop_taking()
    handing_back = asyncio.create_task(worker.hand_back(5))
    asyncio.get_running_loop().call_later(0.01, answer.set)
    await handing_back
    assert await is_free(bench, delivery)
    await until(lambda: worker.running == 0, what="it has ended")
    assert dispatch.runs == []
    await worker.stop()
