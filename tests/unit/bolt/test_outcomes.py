"""What follows when a listener fails: no attempt that would fail again, one call of @app.error, one end of a step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.script import Line
from anchorbolt.errors import RunTimeoutError
from anchorbolt.telemetry import metrics
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay
from slack_bolt.context.complete.async_complete import AsyncComplete
from slack_bolt.context.fail.async_fail import AsyncFail
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith

Register = Callable[[AsyncApp], None]


async def test_a_bug_has_one_attempt(app_with: AppWith) -> None:
    """An error that is not transient is a dead letter at once, and @app.error is called once."""
    runs, apologies = list[int](), list[Exception]()

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            runs.append(1)
            raise KeyError("a bug")

        @app.error
        async def apologise(error: Exception) -> None:
            apologies.append(error)

    failed = metrics.failures.value("event", "error")
    with capture_logs() as lines:
        async with app_with(register) as app:
            ack = await app.player.send(make("app_mention"))
            row = await app.until_ended(ack.sample.key)
    assert (row.state, row.attempts, row.error) == ("dead", 1, "KeyError: 'a bug'")
    assert (len(runs), len(apologies)) == (1, 1)
    (end,) = [line for line in lines if line["event"] == "delivery ended"]
    assert (end["outcome"], end["reason"]) == ("dead", "error")
    assert metrics.failures.value("event", "error") == failed + 1


async def test_an_expired_stream_is_started_once(app_with: AppWith, slack: Emulator) -> None:
    """A word of Slack's that no repetition mends, in the middle of an answer: half an answer and one apology."""
    slack.script.add(Line(method="chat.update", error="message_not_in_streaming_state"))

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(say: AsyncSay, client: AsyncWebClient) -> None:
            said = await say("first half")
            await client.chat_update(channel="C1", ts=said["ts"], text="second half")

        @app.error
        async def apologise(client: AsyncWebClient) -> None:
            await client.chat_postMessage(channel="C1", text="Sorry, that went wrong")

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
    assert (row.state, row.attempts) == ("dead", 1)
    posted = [call.arguments["text"] for call in slack.calls.since(method="chat.postMessage")]
    assert posted == ["first half", "Sorry, that went wrong"]


@pytest.mark.parametrize("ends", ["fail", "complete", "client"])
async def test_a_step_that_has_ended_and_then_raises(app_with: AppWith, slack: Emulator, ends: str) -> None:
    """fail() or complete() that Slack accepted is final: one run, one call, also where a transient error follows."""
    runs: list[int] = []

    def register(app: AsyncApp) -> None:
        @app.function("request_approval")
        async def step(complete: AsyncComplete, fail: AsyncFail, client: AsyncWebClient, event: dict[str, Any]) -> None:
            runs.append(1)
            if ends == "complete":
                await complete({"result": "approved"})
            elif ends == "fail":
                await fail("no such customer")
            else:
                execution = event["function_execution_id"]
                await client.functions_completeError(function_execution_id=execution, error="no such customer")
            raise ConnectionResetError("afterwards")

    async with app_with(register) as app:
        ack = await app.player.send(make("function_executed"))
        row = await app.until_ended(ack.sample.key)
    assert (row.state, row.attempts, len(runs)) == ("dead", 1, 1)
    assert len(list(slack.calls.since(method="functions.completeError"))) == (0 if ends == "complete" else 1)
    assert len(list(slack.calls.since(method="functions.completeSuccess"))) == (1 if ends == "complete" else 0)


async def test_an_end_that_slack_refused_is_not_final(app_with: AppWith, slack: Emulator) -> None:
    """complete() that Slack did not accept is an error like any other: the step is attempted again."""
    slack.script.add(Line(method="functions.completeSuccess", error="internal_error", times=1))

    def register(app: AsyncApp) -> None:
        @app.function("request_approval")
        async def step(complete: AsyncComplete) -> None:
            await complete({"result": "approved"})

    async with app_with(register) as app:
        ack = await app.player.send(make("function_executed"))
        row = await app.until_ended(ack.sample.key)
    assert (row.state, row.attempts) == ("done", 2)


async def test_a_write_whose_outcome_is_unknown_has_three_attempts(app_with: AppWith) -> None:
    """A lost connection of chat.postMessage has three attempts, one of a call that only reads has MAX_ATTEMPTS."""

    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(say: AsyncSay) -> None:
            await say("perhaps")

        @app.event("message")
        async def message(client: AsyncWebClient) -> None:
            await client.conversations_history(channel="C1")

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with app_with(register, slack_api_url=url, max_attempts=5) as app:
            app.parts.bolt._async_middleware_list = []  # no auth.test before the listener
            app.parts.bolt.client.retry_handlers.clear()
            wrote = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
            read = await app.until_ended((await app.player.send(make("message"))).sample.key)
    assert (wrote.state, wrote.attempts) == ("dead", 3)
    assert (read.state, read.attempts) == ("dead", 5)


async def test_a_call_that_was_never_sent_is_transient(app_with: AppWith) -> None:
    """A refused connection is known not to have happened: MAX_ATTEMPTS, for a call that writes too."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(say: AsyncSay) -> None:
            await say("never")

    async with app_with(register, slack_api_url="http://127.0.0.1:9/", max_attempts=5) as app:
        app.parts.bolt._async_middleware_list = []
        app.parts.bolt.client.retry_handlers.clear()
        row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
    assert (row.state, row.attempts) == ("dead", 5)


@pytest.mark.parametrize("patience", [asyncio.timeout, None])
async def test_a_time_out_around_a_write_is_unknown_too(app_with: AppWith, patience: Any) -> None:
    """The team's own time limit around a call that writes leaves it as unknown as the client's own."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(say: AsyncSay, client: AsyncWebClient) -> None:
            if patience is None:
                client.timeout = 0.05  # type: ignore[assignment] # aiohttp takes it
                await say("perhaps")
            else:
                async with patience(0.05):
                    await say("perhaps")

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with app_with(register, slack_api_url=url, max_attempts=5) as app:
            app.parts.bolt._async_middleware_list = []
            app.parts.bolt.client.retry_handlers.clear()
            row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
    assert (row.state, row.attempts) == ("dead", 3)


async def test_a_time_limit_has_one_more_attempt(app_with: AppWith) -> None:
    """RUN_TIMEOUT_SECONDS is followed by one more attempt, then by a dead letter that @app.error is told of."""
    told: list[Exception] = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            await asyncio.Event().wait()

        @app.error
        async def look(error: Exception) -> None:
            told.append(error)

    async with app_with(register, run_timeout_seconds=0.05) as app:
        row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
    assert (row.state, row.attempts) == ("dead", 2)
    assert [type(error) for error in told] == [RunTimeoutError]


@pytest.mark.parametrize("how", ["status", "headers", "body"])
async def test_an_error_handler_that_changes_its_response(app_with: AppWith, how: str) -> None:
    """A response that @app.error changes without returning it handles the error, as in Bolt."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise KeyError("a bug")

        @app.command("/approval")
        async def command() -> None:
            raise KeyError("a bug")

        @app.error
        async def changes(response: BoltResponse) -> None:
            if how == "headers":
                response.headers["x-ours"] = ["1"]
            else:
                setattr(response, how, 200 if how == "status" else "ours")

    async with app_with(register) as app:
        row = await app.until_ended((await app.player.send(make("app_mention"))).sample.key)
        assert (row.state, row.attempts, row.error) == ("done", 1, None)
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (200 if how == "status" else 503, b"ours" if how == "body" else b"")


async def test_a_run_that_was_cut_short_calls_no_error_handler(app_with: AppWith) -> None:
    """What a listener raises while its pod ends is no failure: it runs again, and @app.error is not called."""
    told, began = list[Exception](), asyncio.Event()

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError("of the clean-up")

        @app.error
        async def look(error: Exception) -> None:
            told.append(error)

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        await began.wait()
        assert await app.parts.worker.hand_back(5) == 1
        row = await app.stored(ack.sample.key)
    assert row is not None
    assert (row.state, row.attempts, told) == ("live", 0, [])


@pytest.mark.parametrize(
    ("word", "acknowledges"), [("listener_failed", "raises"), ("no_ack", ""), ("ack_timeout", "waits")]
)
async def test_an_interaction_that_slack_was_told_of_has_failed(
    app_with: AppWith, word: str, acknowledges: str
) -> None:
    """A command that was answered 503 is `failed`, with the word of the answer as its reason, and never `done`."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command() -> None:
            if acknowledges == "raises":
                raise KeyError("a bug")
            if acknowledges == "waits":
                await asyncio.Event().wait()

    counted = metrics.failures.value("command", word), metrics.deliveries.value("command", "done")
    with capture_logs() as lines:
        async with app_with(register, ack_deadline_seconds=0.5) as app:
            ack = await app.player.send(make("command"))
            await until(lambda: any(line["event"] == "delivery ended" for line in lines), what="its end is logged")
    assert (ack.status, ack.body.decode()) == (503, f'{{"error": "{word}"}}')
    (end,) = [line for line in lines if line["event"] == "delivery ended"]
    assert (end["outcome"], end["reason"]) == ("failed", word)
    assert (metrics.failures.value("command", word), metrics.deliveries.value("command", "done")) == (
        counted[0] + 1,
        counted[1],
    )


async def test_a_refusal_of_a_middleware_is_a_failure(app_with: AppWith) -> None:
    """A command that a middleware answers with an error, or not at all, is `failed` too."""

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def refuses() -> BoltResponse:
            return BoltResponse(status=403, body="no")

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()

    with capture_logs() as lines:
        async with app_with(register) as app:
            assert (await app.player.send(make("command"))).status == 403
    (end,) = [line for line in lines if line["event"] == "delivery ended"]
    assert (end["outcome"], end["reason"]) == ("failed", "answer")
