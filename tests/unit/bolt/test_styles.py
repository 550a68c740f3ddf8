"""Every style of Bolt listener works unchanged, and runs to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from anchorbolt.delivery import Attempt
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from slack_bolt.async_app import (
    AsyncAck,
    AsyncApp,
    AsyncAssistant,
    AsyncBoltContext,
    AsyncRespond,
    AsyncSay,
)
from slack_bolt.context.complete.async_complete import AsyncComplete
from slack_bolt.context.fail.async_fail import AsyncFail
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.app_in_process import app_in_process
from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith


async def test_an_event_listener_with_slow_work(app_with: AppWith) -> None:
    """The event is acknowledged before its listener has ended, and is done only when it has."""
    go, said = asyncio.Event(), list[str]()

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(delivery: Attempt, context: AsyncBoltContext) -> None:
            assert context["delivery"] is delivery
            said.append(f"start {delivery.key} {delivery.attempt} {delivery.is_last}")
            await go.wait()
            said.append("end")

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        assert (ack.status, ack.body) == (200, b"")
        await until(lambda: said, what="the listener has begun")
        row = await app.stored(ack.sample.key)
        assert row is not None
        assert (row.state, row.attempts) == ("live", 1)
        go.set()
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.body) == ("done", None)
    assert said == [f"start {ack.sample.key} 1 False", "end"]


async def test_an_event_that_was_acknowledged_by_hand(app_with: AppWith) -> None:
    """An event listener that calls ack() itself is as good as one that does not."""
    said = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(ack: AsyncAck) -> None:
            await ack()
            said.append("after the ack")

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
    assert said == ["after the ack"]


async def test_work_after_the_ack(app_with: AppWith) -> None:
    """A command that goes on after ack() is stored before its 200 leaves, as Bolt makes it, and done at its end."""
    go = asyncio.Event()

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack(text="on it", response_type="ephemeral")
            await go.wait()

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert ack.status == 200
        assert ack.body == b'{"text": "on it", "response_type": "ephemeral"}'
        row = await app.stored(ack.sample.key)
        assert row is not None
        assert row.state == "live"
        go.set()
        assert (await app.until_ended(ack.sample.key)).state == "done"


async def test_nothing_after_the_ack(app_with: AppWith) -> None:
    """A command whose last line is ack() writes no row: nothing is owed any more."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack("done already")

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b"done already")
        assert await app.rows() == 0


async def test_lazy_functions(app_with: AppWith) -> None:
    """With ack= and several lazy=, all lazy functions run, after the ack, each in a context of its own."""
    order = []
    go = asyncio.Event()

    async def acknowledge(ack: AsyncAck, context: AsyncBoltContext) -> None:
        context["from_the_ack"] = 1
        await ack("soon")
        order.append("ack")

    async def one(context: AsyncBoltContext, say: AsyncSay) -> None:
        assert "from_the_other" not in context
        context["from_the_one"] = 1
        await go.wait()
        order.append(f"one {context['from_the_ack']}")

    async def other(context: AsyncBoltContext, client: AsyncWebClient) -> None:
        assert "from_the_one" not in context
        context["from_the_other"] = 1
        await client.chat_postMessage(channel="C1", text="hello")
        order.append("other")

    def register(app: AsyncApp) -> None:
        app.command("/approval")(ack=acknowledge, lazy=[one, other])

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b"soon")
        await until(lambda: "other" in order, what="the second lazy function has ended")
        row = await app.stored(ack.sample.key)
        assert row is not None
        assert row.state == "live"
        go.set()
        assert (await app.until_ended(ack.sample.key)).state == "done"
    assert order == ["ack", "other", "one 1"]


async def test_a_lazy_function_that_fails(app_with: AppWith) -> None:
    """A failed lazy function fails the delivery: it is tried again, all of it, until its last attempt."""
    attempts = []

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    async def fails(delivery: Attempt) -> None:
        attempts.append((delivery.attempt, delivery.is_last))
        raise ConnectionResetError("of the lazy one")

    def register(app: AsyncApp) -> None:
        app.command("/approval")(ack=acknowledge, lazy=[fails])

    async with app_with(register, max_attempts=2) as app:
        ack = await app.player.send(make("command"))
        assert ack.status == 200
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts, row.error) == ("dead", 2, "ConnectionResetError: of the lazy one")
    assert attempts == [(1, False), (2, True)]


async def test_lazy_functions_of_an_event(app_with: AppWith) -> None:
    """An event's lazy functions run too, and its delivery is done when the last of them is."""
    done = []

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    async def one() -> None:
        done.append("one")

    async def other() -> None:
        await asyncio.sleep(0)
        done.append("other")

    def register(app: AsyncApp) -> None:
        app.event("app_mention")(ack=acknowledge, lazy=[one, other])

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
    assert sorted(done) == ["one", "other"]


async def test_global_and_listener_middleware(app_with: AppWith) -> None:
    """Middleware of the app and of a listener run before it, in order, and hand it what they put into the context."""
    order = []

    async def of_the_listener(context: AsyncBoltContext, next_: Any) -> None:
        order.append("listener's")
        context["found"] = context["user"]
        await next_()

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def of_the_app(context: AsyncBoltContext, next_: Any) -> None:
            order.append("app's")
            context["user"] = "ada"
            await next_()

        @app.event("app_mention", middleware=[of_the_listener])
        async def mentioned(context: AsyncBoltContext) -> None:
            order.append(context["found"])

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
    assert order == ["app's", "listener's", "ada"]


async def test_middleware_that_fails(app_with: AppWith) -> None:
    """An event whose middleware raises is a failed attempt; a command is told of a failure, and nothing is stored."""

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def fails(next_: Any) -> None:
            raise LookupError("of the middleware")

        @app.event("app_mention")
        async def mentioned() -> None: ...

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()

    async with app_with(register, max_attempts=1) as app:
        event = await app.player.send(make("app_mention"))
        row = await app.until_ended(event.sample.key)
        assert (row.state, row.error) == ("dead", "LookupError: of the middleware")
        command = await app.player.send(make("command"))
        assert command.status == 503
        assert await app.stored(command.sample.key) is None


async def test_an_assistant(app_with: AppWith, slack: Emulator) -> None:
    """An AsyncAssistant greets, follows where its user goes, and answers: each of its three events is done."""
    said = []
    assistant = AsyncAssistant()

    @assistant.thread_started
    async def greet(say: AsyncSay) -> None:
        await say("hello")
        said.append("started")

    @assistant.thread_context_changed
    async def follow() -> None:
        said.append("changed")

    @assistant.user_message
    async def answer(say: AsyncSay, payload: dict[str, Any]) -> None:
        await say(f"you said {payload['text']}")
        said.append("answered")

    kinds = ("assistant_thread_started", "assistant_thread_context_changed", "assistant_message")
    async with app_with(lambda app: app.assistant(assistant)) as app:
        for kind in kinds:
            ack = await app.player.send(make(kind))
            assert (await app.until_ended(ack.sample.key)).state == "done"
    assert said == ["started", "changed", "answered"]
    texts = [call.arguments["text"] for call in slack.calls.since(method="chat.postMessage")]
    assert texts == ["hello", "you said What waits for me?"]


async def test_an_assistant_that_fails(app_with: AppWith) -> None:
    """What a listener of an assistant raises is a failed attempt as with any other."""
    assistant = AsyncAssistant()

    @assistant.user_message
    async def answer() -> None:
        raise LookupError("of the assistant")

    async with app_with(lambda app: app.assistant(assistant), max_attempts=1) as app:
        ack = await app.player.send(make("assistant_message"))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.error) == ("dead", "LookupError: of the assistant")


async def test_a_custom_function(app_with: AppWith, slack: Emulator) -> None:
    """A step of a workflow gets its inputs, and completes with the token that came with it."""

    def register(app: AsyncApp) -> None:
        @app.function("request_approval")
        async def step(inputs: dict[str, Any], complete: AsyncComplete, fail: AsyncFail) -> None:
            assert inputs
            await complete({"approved": "yes"})

    async with app_with(register) as app:
        ack = await app.player.send(make("function_executed"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
    (call,) = slack.calls.since(method="functions.completeSuccess")
    assert "approved" in str(call.arguments["outputs"])


async def test_a_custom_function_that_is_a_dead_letter(app_with: AppWith, slack: Emulator) -> None:
    """A step that failed for the last time is told to Slack with functions.completeError: no workflow hangs."""

    def register(app: AsyncApp) -> None:
        @app.function("request_approval")
        async def step() -> None:
            raise LookupError("of the step")

    async with app_with(register) as app:
        ack = await app.player.send(make("function_executed"))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts) == ("dead", 1)
    (call,) = slack.calls.since(method="functions.completeError")
    assert call.arguments["error"] == "LookupError: of the step"


async def test_say_and_respond(app_with: AppWith, slack: Emulator) -> None:
    """say() posts into the channel of the request, respond() to its response_url."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck, say: AsyncSay, respond: AsyncRespond) -> None:
            await ack()
            await say("to all")
            await respond("to you")

    async with app_with(register) as app:
        ack = await app.player.send(make("command", Scene(slack_url=slack.url, channel_id="C0SAY")))
        assert (await app.until_ended(ack.sample.key)).state == "done"
    (said,) = slack.calls.since(method="chat.postMessage")
    assert (said.arguments["channel"], said.arguments["text"]) == ("C0SAY", "to all")
    (responded,) = slack.calls.since(method="response_url")
    assert responded.arguments["text"] == "to you"


async def test_the_word_payload_in_a_command(app_with: AppWith) -> None:
    """A slash command whose text holds the word payload reaches its listener, with its text as the user wrote it."""
    texts = []

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck, command: dict[str, str]) -> None:
            texts.append(command["text"])
            await ack()

    wrote = ["the payload & 100 % of the café", 'payload={"type":"block_actions"}', "payload"]
    async with app_with(register) as app:
        for text in wrote:
            assert (await app.player.send(make("command", Scene(text=text)))).status == 200
    assert texts == wrote


@pytest.mark.parametrize("answer", ["", "text", {"text": "x", "blocks": []}])
async def test_what_ack_says_leaves_as_bolt_makes_it(app_with: AppWith, answer: Any) -> None:
    """The body of an ack is empty, text or JSON, with the content type that belongs to it."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack(answer)

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
    expected = b'{"text": "x", "blocks": []}' if isinstance(answer, dict) else answer.encode()
    assert (ack.status, ack.body) == (200, expected)
    kind = "application/json" if isinstance(answer, dict) else "text/plain"
    assert ack.headers["content-type"].startswith(kind)


async def test_options_and_response_actions(app_with: AppWith) -> None:
    """A select gets its options and a modal its errors, in the ack itself; neither writes a row."""

    def register(app: AsyncApp) -> None:
        @app.options("category")
        async def categories(ack: AsyncAck) -> None:
            await ack(options=[{"text": {"type": "plain_text", "text": "One"}, "value": "1"}])

        @app.view("approval")
        async def submitted(ack: AsyncAck) -> None:
            await ack(response_action="errors", errors={"title": "too short"})

    async with app_with(register) as app:
        options = await app.player.send(make("block_suggestion"))
        assert options.status == 200
        assert b'"value": "1"' in options.body
        view = await app.player.send(make("view_submission"))
        assert view.status == 200
        assert view.body == b'{"response_action": "errors", "errors": {"title": "too short"}}'
        assert await app.rows() == 0


async def test_headers_from_outside_name_no_lazy_function(app_with: AppWith) -> None:
    """Bolt's own header for lazy functions, sent from outside, changes nothing."""
    ran = []

    async def acknowledge(ack: AsyncAck) -> None:
        await ack("acknowledged")

    async def lazy() -> None:
        ran.append("lazy")

    def register(app: AsyncApp) -> None:
        app.command("/approval")(ack=acknowledge, lazy=[lazy])

    async with app_with(register) as app:
        app.http.headers["x-slack-bolt-lazy-only"] = "1"
        app.http.headers["x-slack-bolt-lazy-function-name"] = "lazy"
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b"acknowledged")
        await until(lambda: ran, what="the lazy function has run")
    assert ran == ["lazy"]


async def test_only_the_first_listener_that_matches_runs(app_with: AppWith) -> None:
    """Two listeners for one event: the first runs, as in Bolt, also when it raises after its ack."""
    ran = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def first() -> None:
            ran.append("first")
            raise LookupError

        @app.event("app_mention")
        async def second() -> None:
            ran.append("second")

    async with app_with(register, max_attempts=1) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "dead"
    assert ran == ["first"]


async def test_an_event_without_a_listener_is_done(app_with: AppWith) -> None:
    """Events that nobody listens to are 200 and done; what a user waits for is Bolt's 404, and not stored."""
    async with app_with(lambda app: None) as app:
        event = await app.player.send(make("team_join"))
        assert event.status == 200
        assert (await app.until_ended(event.sample.key)).state == "done"
        for kind in ("command", "shortcut", "block_actions", "view_submission", "block_suggestion"):
            assert (await app.player.send(make(kind))).status == 404
        assert await app.rows() == 1


async def test_the_sample_listeners_answer_every_sample(slack: Emulator) -> None:
    """Every kind that Slack sends is 200 with the app's own listeners."""
    async with app_in_process(slack_api_url=slack.api_url, listeners="anchorbolt_sample") as app:
        for kind in SAMPLES:
            assert (await app.player.send(make(kind, Scene(slack_url=slack.url)))).status == 200
