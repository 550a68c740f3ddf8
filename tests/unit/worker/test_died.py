"""Dead letters in a row that are a fault of the release hold their listener; others say nothing of it."""

from __future__ import annotations

import dataclasses

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.inbox.holds import MOST_DEATHS

from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.test_verdict import slack_error

LATER = 1e12


@pytest.mark.parametrize(
    ("error", "listener", "one_of_many", "held"),
    [
        (ValueError("a bug"), "app.on", True, 1),
        (ValueError("a bug"), None, True, 0),
        (ConnectionResetError("a network"), "app.on", False, 0),
        (slack_error("missing_scope"), "app.on", False, 1),
        (slack_error("missing_scope"), "app.on", True, 0),
        (slack_error("not_in_channel"), "app.on", False, 0),
    ],
    ids=["a bug", "no listener was found", "transient", "the one workspace", "one of many", "one channel"],
)
async def test_what_holds_a_listener(
    bench: Bench, error: Exception, listener: str | None, *, one_of_many: bool, held: int
) -> None:
    """An error of its code, or one that concerns all that comes for it; not one of this request alone."""

    async def dies(run: Run) -> None:
        run.listener, run.one_of_many = listener, one_of_many
        raise error

    worker, _ = bench.worker(dies, limits=dataclasses.replace(LIMITS, max_attempts=1))
    for number in range(MOST_DEATHS):
        delivery = event(f"C{number}")
        await worker.accept(delivery, LATER, reserved=await worker.reserve())
        assert (await bench.until_ended(delivery.key)).state == "dead"
    assert worker.held_listeners == held
    await worker.stop()
