"""Unrelated events run side by side: one that takes long, or fails, delays none of the others."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery

from tests.support.cases import case
from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import Bench
from tests.unit.worker.steps import LATER
from tests.unit.worker.test_claims import Gate

FIVE = range(1, 6)


@pytest.mark.parametrize(
    "events",
    [
        [case("function_executed", n, inputs={"n": str(n)}, function_execution_id=f"Fx{n}") for n in FIVE],
        [case("link_shared_composer", n, user=f"U{n}", message_ts=f"U{n}-1-a") for n in FIVE],
        [case("link_shared_composer", n, channel="C1", source="x", message_ts=f"{n}.1") for n in FIVE],
        [case("file_change", n, file_id=f"F{n}", file={"id": f"F{n}"}) for n in FIVE],
        [case("emoji_changed", n, name=f"x{n}") for n in FIVE],
        [case(name) for name in ("function_executed", "link_shared_composer", "emoji_changed", "app_uninstalled")],
    ],
    ids=["workflow steps", "links in the composer", "links in one channel", "files", "emoji", "of all sorts"],
)
async def test_unrelated_events_of_a_workspace_run_side_by_side(bench: Bench, events: list[Delivery]) -> None:
    """All of them have begun before the first one ends."""
    gate = Gate()
    worker, dispatch = bench.worker(gate)
    worker.start()
    for one in events:
        await worker.accept(one, LATER, reserved=await worker.reserve())
    await until(lambda: len(dispatch.runs) == len(events), what="all of them run")
    gate.go.set()
    for one in events:
        assert (await bench.until_ended(one.key)).state == "done"
    await worker.stop()


async def test_what_fails_holds_up_nothing_else_of_its_workspace(bench: Bench) -> None:
    """While a failed event waits for its next attempt, a workflow step of the same workspace runs."""
    failed = asyncio.Event()

    async def emoji_fails(run: Run) -> None:
        if run.delivery.type == "emoji_changed":
            failed.set()
            raise ConnectionResetError("away for a moment")

    worker, _ = bench.worker(emoji_fails)
    emoji, step = case("emoji_changed"), case("function_executed")
    await worker.accept(emoji, LATER, reserved=await worker.reserve())
    await failed.wait()

    async def waits() -> bool:
        return (await bench.row(emoji.key)).error is not None

    await until_answer(waits, what="the failed attempt is written")
    await worker.accept(step, LATER, reserved=await worker.reserve())  # nothing is claimed: time stands still
    assert (await bench.until_ended(step.key)).state == "done"
    assert (await bench.row(emoji.key)).state == "live"
    await worker.stop()


async def test_two_changes_of_one_file_run_one_after_the_other(bench: Bench) -> None:
    """Where a user sees an order, there is one."""
    gate = Gate()
    worker, dispatch = bench.worker(gate)
    worker.start()
    first, second = case("file_change", 1), case("file_change", 2)
    for one in (first, second):
        await worker.accept(one, LATER, reserved=await worker.reserve())
    await until(lambda: dispatch.runs, what="the first one runs")
    assert await bench.lane("file/T1/F1") is not None
    assert [run.delivery.key for run in dispatch.runs] == [first.key]
    gate.go.set()
    assert (await bench.until_ended(second.key)).state == "done"
    await worker.stop()
