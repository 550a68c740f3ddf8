"""An interaction keeps its slot until its run has ended, however its request ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import FORM
from anchorbolt.emulator.samples import make
from anchorbolt.errors import RefusedError, StoreUnavailableError
from anchorbolt.intake.intake import Acknowledged
from anchorbolt.intake.interactions import Interactions
from anchorbolt.intake.slots import RequestSlot, RequestSlots
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, bench
from tests.unit.worker.steps import LATER, for_ever, nothing, until_set

__all__ = ["bench"]


def command() -> Delivery:
    """A fresh command."""
    found = parse(make("command").body, FORM)
    assert isinstance(found, Delivery)
    return found


async def test_a_request_that_is_cancelled_after_the_ack_loses_no_run(bench: Bench) -> None:
    """The server's end cancels a request whose listener goes on: the run is stored and seen to its end."""
    worker, _ = bench.worker(nothing)
    go = asyncio.Event()
    slots = RequestSlots(1)
    delivery = command()

    async def ask_bolt(run: Run) -> Acknowledged:
        run.spawn(until_set(go))
        asyncio.get_running_loop().call_soon(answering.cancel)
        return Acknowledged()

    answering = asyncio.create_task(
        Interactions(bench.inbox, worker).answer(delivery, LATER, RequestSlot(slots), ask_bolt)
    )
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert slots.free == 0
    assert (await bench.until_stored(delivery.key)).state == "live"
    go.set()
    assert (await bench.until_ended(delivery.key)).state == "done"
    await until(lambda: slots.free == 1, what="its slot is free")
    await worker.stop()


async def test_what_a_drain_cut_before_its_answer_left_is_stored(bench: Bench) -> None:
    """Cut after its ack and before that was told: Slack hears that it is done, and another pod goes on with it."""
    worker, _ = bench.worker(nothing)
    slots = RequestSlots(1)
    delivery = command()
    handing_back: list[asyncio.Task[int]] = []

    async def ask_bolt(run: Run) -> Acknowledged:
        listening = run.spawn(for_ever())
        await asyncio.sleep(0)
        handing_back.append(asyncio.create_task(worker.hand_back(5)))
        await asyncio.wait([listening])  # as with process_before_response
        return Acknowledged()

    await Interactions(bench.inbox, worker).answer(delivery, LATER, RequestSlot(slots), ask_bolt)
    await handing_back[0]
    row = await bench.row(delivery.key)
    assert (row.state, row.attempts, slots.free) == ("live", 0, 1)
    await worker.stop()


@pytest.mark.parametrize("is_away", [False, True], ids=["too slow", "away"])
async def test_what_is_acknowledged_without_being_stored_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_away: bool
) -> None:
    """Whether the database is away or only too slow: the log says no more than what is known."""
    worker, _ = bench.worker(nothing)
    go, slots = asyncio.Event(), RequestSlots(1)

    async def stands_still(work: Callable[..., object]) -> object:
        if is_away:
            raise StoreUnavailableError("away")
        await go.wait()
        return await transact(work)

    async def ask_bolt(run: Run) -> Acknowledged:
        run.spawn(until_set(go))
        return Acknowledged()

    transact = bench.database.transact
    monkeypatch.setattr(bench.database, "transact", stands_still)
    deadline = asyncio.get_running_loop().time() + 0.05
    with capture_logs() as lines:
        await Interactions(bench.inbox, worker).answer(command(), deadline, RequestSlot(slots), ask_bolt)
    told = [line["event"] for line in lines if "without being stored" in line["event"]]
    assert told == ["acknowledged without being stored: the database did not take it in time"]
    monkeypatch.undo()
    go.set()
    await worker.finish(5)
    await worker.stop()


@pytest.mark.parametrize("error", [ValueError("no payload"), ZeroDivisionError(), asyncio.CancelledError()])
async def test_a_dispatch_that_came_to_no_answer_gives_its_slot_back(bench: Bench, error: BaseException) -> None:
    """Whatever Bolt raises, also a cancellation, what it had started is cancelled and the slot is free again."""
    worker, _ = bench.worker(nothing)
    slots = RequestSlots(1)

    async def ask_bolt(run: Run) -> Acknowledged:
        run.spawn(for_ever())
        await asyncio.sleep(0)
        raise error

    with pytest.raises(BaseException, match=r".*"):
        await Interactions(bench.inbox, worker).answer(command(), LATER, RequestSlot(slots), ask_bolt)
    await until(lambda: slots.free == 1, what="its slot is free")
    assert await worker.finish(5)
    await worker.stop()


async def test_a_listener_that_cancels_itself_has_failed(bench: Bench) -> None:
    """CancelledError from within the dispatch, while nobody cancels the request, is a failure of the listener: 503."""
    worker, _ = bench.worker(nothing)
    slots = RequestSlots(1)
    seen: list[Run] = []

    async def ask_bolt(run: Run) -> Acknowledged:
        run.dispatched = True
        seen.append(run)
        raise asyncio.CancelledError

    with pytest.raises(RefusedError, match="503 listener_failed"):
        await Interactions(bench.inbox, worker).answer(command(), LATER, RequestSlot(slots), ask_bolt)
    assert str(seen[0].error) == "CancelledError was raised"
    assert slots.free == 1
    await worker.stop()


async def test_a_response_that_cannot_be_sent_is_the_listeners_fault(bench: Bench) -> None:
    """An error from behind the dispatch is told as listener_failed, not as a payload that Slack must not send again."""
    worker, _ = bench.worker(nothing)

    async def ask_bolt(run: Run) -> Acknowledged:
        run.dispatched = True
        raise ValueError("half of a surrogate pair")

    with pytest.raises(RefusedError, match="503 listener_failed"):
        await Interactions(bench.inbox, worker).answer(command(), LATER, RequestSlot(RequestSlots(1)), ask_bolt)
    await worker.stop()
