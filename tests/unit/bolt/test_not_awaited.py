"""A call that a listener made without `await` did nothing, and its run is not called done."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.emulator.samples import make
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond, AsyncSay, AsyncSetStatus
from slack_bolt.context.complete.async_complete import AsyncComplete
from slack_bolt.context.fail.async_fail import AsyncFail
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.bolt.conftest import AppWith


def line_of(function: Callable[..., Any], text: str) -> str:
    """File and line of a listener's statement."""
    lines, first = inspect.getsourcelines(function)
    (found,) = (number for number, line in enumerate(lines, first) if text in line)
    return f"{inspect.getsourcefile(function)}:{found}"


async def say_alone(say: AsyncSay) -> None:
    """Posts nothing."""
    say("hi")  # type: ignore[unused-coroutine]


async def client_alone(client: AsyncWebClient) -> None:
    """Posts nothing."""
    client.chat_postMessage(channel="C1", text="hi")  # type: ignore[unused-coroutine]


async def set_status_alone(set_status: AsyncSetStatus) -> None:
    """Sets no status."""
    set_status("thinks")  # type: ignore[unused-coroutine]


async def say_stream_alone(context: AsyncBoltContext) -> None:
    """Starts no stream."""
    context.say_stream()  # type: ignore[misc]


async def complete_alone(complete: AsyncComplete) -> None:
    """Completes no step."""
    complete({})  # type: ignore[unused-coroutine]


async def fail_alone(fail: AsyncFail) -> None:
    """Fails no step."""
    fail("sorry")  # type: ignore[unused-coroutine]


async def helper(say: AsyncSay) -> None:
    """Posts nothing, for who awaits it."""
    say("hi")  # type: ignore[unused-coroutine]


async def awaits_helper(say: AsyncSay) -> None:
    """Posts nothing."""
    await helper(say)


async def in_a_task(say: AsyncSay) -> None:
    """Its task posts nothing."""
    await asyncio.create_task(helper(say))


ALONE: dict[str, tuple[Callable[..., Any], str, str]] = {
    "say()": (say_alone, "app_mention", 'say("hi")'),
    "client.chat_postMessage()": (client_alone, "app_mention", "client.chat_postMessage"),
    "set_status()": (set_status_alone, "app_mention", "set_status("),
    "say_stream()": (say_stream_alone, "app_mention", "say_stream()"),
    "complete()": (complete_alone, "function_executed", "complete({})"),
    "fail()": (fail_alone, "function_executed", 'fail("'),
}


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("call", ALONE)
async def test_the_run_fails_with_call_and_line(app_with: AppWith, call: str) -> None:
    """Every such call of Bolt's utilities and of the client is named with its file and line; nothing was posted."""
    listener, name, statement = ALONE[call]

    def register(app: AsyncApp) -> None:
        (app.function("request_approval") if name == "function_executed" else app.event(name))(listener)

    async with app_with(register, max_attempts=1) as app:
        row = await app.until_ended((await app.player.send(make(name))).sample.key)
    assert row.state == "dead"
    place = line_of(listener, statement)
    assert f"NotAwaitedError: {call} was called without await at {place}" in row.error


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("listener", [awaits_helper, in_a_task])
async def test_a_helper_that_forgets_await(app_with: AppWith, listener: Callable[..., Any]) -> None:
    """What the listener awaits, itself or in a task, counts as the listener: the line is that of the helper."""
    async with app_with(lambda app: app.event("app_mention")(listener), max_attempts=1) as app:
        row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
    assert (row.state, line_of(helper, 'say("hi")') in row.error) == ("dead", True)


@pytest.mark.filterwarnings("ignore:coroutine")
async def test_kept_in_a_variable(app_with: AppWith) -> None:
    """A call that was kept and never awaited fails the run too; the error says where the listener begins."""

    async def keeps(say: AsyncSay) -> None:
        posting = say("hi")
        await asyncio.sleep(0)
        assert posting is not None

    async with app_with(lambda app: app.event("app_mention")(keeps), max_attempts=1) as app:
        row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
    assert (row.state, f"{__file__}:{keeps.__code__.co_firstlineno}" in row.error) == ("dead", True)


@pytest.mark.filterwarnings("ignore:coroutine")
async def test_ack_without_await_is_answered_at_once(app_with: AppWith) -> None:
    """A command whose ack() was not awaited is a failure that Slack is told of, and the app's error handler knows."""
    errors: list[Exception] = []

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            ack()  # type: ignore[unused-coroutine]

        @app.error
        async def failed(error: Exception) -> BoltResponse:
            errors.append(error)
            return BoltResponse(status=200, body="sorry")

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
    assert (ack.status, ack.body) == (200, b"sorry")
    assert ["ack() was called without await" in str(error) for error in errors] == [True]


@pytest.mark.filterwarnings("ignore:coroutine")
async def test_respond_and_lazy(app_with: AppWith) -> None:
    """A lazy function that forgets to await respond() is a failed attempt."""

    async def first(ack: AsyncAck) -> None:
        await ack()

    async def lazy(respond: AsyncRespond) -> None:
        await asyncio.sleep(0.01)
        respond("hi")  # type: ignore[unused-coroutine]

    async with app_with(lambda app: app.command("/approval")(ack=first, lazy=[lazy]), max_attempts=1) as app:
        row = await app.until_ended((await app.player.send(make("command"))).sample.key)
    assert (row.state, "respond() was called without await" in row.error) == ("dead", True)


async def test_what_is_awaited_later_or_given_up_fails_nothing(app_with: AppWith) -> None:
    """Tasks, gather, a task that was cancelled before it began, and a call that was closed: the run is done."""

    async def listener(say: AsyncSay, client: AsyncWebClient) -> None:
        calls = [say(f"{n}") for n in range(3)]
        task = asyncio.create_task(client.chat_postMessage(channel="C1", text="hi"))
        given_up = asyncio.create_task(say("never"))
        given_up.cancel()
        closed = say("never")
        closed.close()
        await asyncio.gather(*calls, task)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(say("never"), 0)

    async with app_with(lambda app: app.event("app_mention")(listener), max_attempts=1) as app:
        row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
    assert (row.state, row.error) == ("done", None)


async def test_coroutines_that_are_not_bolts_are_pythons() -> None:
    """What a team's own function returns and nobody awaits is left to Python's own warning."""

    async def own() -> None: ...

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        own()  # type: ignore[unused-coroutine]
        gc.collect()
    # Other tests may have left something that warns when it is collected here.
    assert sum("own' was never awaited" in str(one.message) for one in seen) == 1
