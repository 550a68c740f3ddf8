"""Dead letters in a row that are a fault of the release hold their listener; others say nothing of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.inbox.holds import MOST_DEATHS

from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import LATER, nothing
from tests.unit.worker.test_verdict import slack_error


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


async def test_what_bolt_itself_raises_is_an_error_of_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of its listener: a middleware has raised it, or Bolt could not walk through the payload."""

    async def raises(_: Run) -> None:
        raise KeyError("authorizations")

    worker, dispatch = bench.worker(raises)
    monkeypatch.setattr(dispatch, "answer", raises)
    delivery = event()
    await worker.accept(delivery, LATER, reserved=await worker.reserve())
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.error, row.attempts) == ("dead", "KeyError: 'authorizations'", 1)
    assert [str(run.error) for run in dispatch.concluded] == ["'authorizations'"]
    await worker.stop()


async def test_a_success_begins_the_count_again(bench: Bench) -> None:
    """What dies now and then is no broken release."""

    async def mostly(run: Run) -> None:
        run.listener = "app.on"
        if run.delivery.conversation != "C1":
            raise ValueError("a bug")

    worker, _ = bench.worker(mostly, limits=dataclasses.replace(LIMITS, max_attempts=1))
    for conversation, state in [("C2", "dead"), ("C3", "dead"), ("C1", "done"), ("C4", "dead")]:
        delivery = event(conversation)
        await worker.accept(delivery, LATER, reserved=await worker.reserve())
        assert (await bench.until_ended(delivery.key)).state == state
    assert worker.held_listeners == 0
    await worker.stop()


async def test_a_success_that_is_not_stored_counts_too(bench: Bench) -> None:
    """That of a command, whose listener has answered in time."""

    async def dies(run: Run) -> None:
        run.listener = "app.on"
        raise ValueError("a bug")

    worker, _ = bench.worker(dies, limits=dataclasses.replace(LIMITS, max_attempts=1))

    async def die(*conversations: str) -> None:
        for conversation in conversations:
            delivery = event(conversation)
            await worker.accept(delivery, LATER, reserved=await worker.reserve())
            assert (await bench.until_ended(delivery.key)).state == "dead"

    def answered(*, well: bool) -> None:
        run = worker.begin(event("C9"), ack_by=LATER, on_end=lambda: None)
        run.listener, run.reason = "app.on", None if well else "listener_failed"
        worker.keep(run)

    await die("C1", "C2")
    answered(well=True)
    await worker.finish(5)
    await die("C3", "C4")
    answered(well=False)
    assert worker.held_listeners == 0
    await die("C5")
    assert worker.held_listeners == 1
    await worker.stop()


async def mended(run: Run) -> None:
    """The app's error handler has handled the error."""
    run.error = None


async def another(run: Run) -> None:
    """The app's error handler raises."""
    run.error = KeyError("the handler's")


@pytest.mark.parametrize(
    ("handle", "state", "said"),
    [
        (nothing, "dead", "ValueError: a bug"),
        (mended, "done", None),
        (another, "dead", 'KeyError: "the handler\'s"'),
    ],
)
async def test_the_error_handler_of_the_app_has_the_last_word(
    bench: Bench, handle: Callable[[Run], Awaitable[None]], state: str, said: str | None
) -> None:
    """What it handles is done, what it raises is what the dead letter has died of, and Slack is told that."""

    async def dies(_: Run) -> None:
        raise ValueError("a bug")

    worker, dispatch = bench.worker(dies)
    dispatch.handle = handle
    delivery = event()
    await worker.accept(delivery, LATER, reserved=await worker.reserve())
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.error) == (state, said)
    assert dispatch.reported == ([] if said is None else [f"{delivery.key}: {said}"])
    await worker.stop()
