"""A synchronous App of a team's runs unchanged: every style of listener, from its own thread."""

from __future__ import annotations

import asyncio
import contextvars
import re
import sys
import threading
from typing import Any

from anchorbolt.bolt.adopt.app_object import adopt
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from slack_bolt import Ack, App, Assistant, BoltContext, Complete, Respond, Say, SetStatus
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith

NUMBER = contextvars.ContextVar("NUMBER", default=0)


def an_app(slack: Any, **options: Any) -> App:
    """A team's app, as its module would make it; its client talks to the emulator."""
    client = WebClient(token="xoxb-made-up", base_url=slack.api_url)
    return App(client=client, signing_secret="", token_verification_enabled=False, **options)


def of(app: App) -> Any:
    """A `register` function for an app object."""
    return lambda bolt: adopt(bolt, app)


async def test_an_event_listener_says(app_with: AppWith, slack: Any) -> None:
    """`say` of a listener in a thread posts, and its answer is Slack's; the delivery is done when the thread is."""
    app, said = an_app(slack), []

    @app.event("app_mention")
    def mentioned(event: dict[str, Any], say: Say, context: BoltContext) -> None:
        answer = say(f"hello {context.user_id}")
        said.append((answer["ok"], answer.status_code, threading.current_thread().name.startswith("listener")))

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert said == [(True, 200, True)]
    assert slack.calls.by_method["chat.postMessage"] == 1


async def test_the_ack_of_a_thread_answers_at_once(app_with: AppWith, slack: Any) -> None:
    """`ack()` answers Slack while the listener's thread goes on; what goes on is stored."""
    app, go = an_app(slack), threading.Event()

    @app.command("/approval")
    def command(ack: Ack) -> None:
        ack(text="on it", response_type="ephemeral")
        go.wait(30)

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b'{"text": "on it", "response_type": "ephemeral"}')
        row = await server.stored(ack.sample.key)
        assert row is not None
        assert row.state == "live"
        go.set()
        assert (await server.until_ended(ack.sample.key)).state == "done"


async def test_middleware_and_matchers(app_with: AppWith, slack: Any) -> None:
    """Global and listener middleware, matchers and keywords run in order, and see one context."""
    app, order = an_app(slack), []

    @app.middleware
    def first(context: BoltContext, next: Any) -> None:  # noqa: A002 - Bolt's name
        context["order"] = ["global"]
        next()

    def own(context: BoltContext, next_: Any) -> None:
        context["order"].append("own")
        next_()

    def skipped(context: BoltContext) -> None:
        """Calls no next(): the listener is not for this request."""

    @app.message("hello", middleware=[skipped])
    def never() -> None:
        order.append(["never"])

    @app.message(re.compile("hel+o (.*)"), matchers=[lambda body: body["event"]["type"] == "message"], middleware=[own])
    def hello(context: BoltContext) -> None:
        order.append([*context["order"], *context["matches"]])

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("message", Scene(text="hello world")))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert order == [["global", "own", "world"]]


async def test_lazy_functions_follow_the_ack(app_with: AppWith, slack: Any) -> None:
    """`ack=` and `lazy=` of a synchronous app: the lazy functions run after the ack, and respond."""
    app, order = an_app(slack), []

    def acknowledge(ack: Ack, context: BoltContext) -> None:
        context["from_the_ack"] = 1
        ack("soon")
        order.append("ack")

    def slow(respond: Respond, context: BoltContext) -> None:
        order.append(f"lazy {context['from_the_ack']} {respond.response_url is not None}")

    app.command("/approval")(ack=acknowledge, lazy=[slow])
    async with app_with(of(app)) as server:
        ack = await server.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b"soon")
        await until(lambda: len(order) == 2, what="the lazy function has run")
    assert order == ["ack", "lazy 1 True"]


async def test_views_options_and_shortcuts(app_with: AppWith, slack: Any) -> None:
    """What a synchronous listener answers reaches Slack as with Bolt: a view's response, options, an opened modal."""
    app = an_app(slack)

    @app.view(re.compile(".*"))
    def submitted(ack: Ack) -> None:
        ack(response_action="clear")

    @app.options(re.compile(".*"))
    def options(ack: Ack) -> None:
        ack(options=[{"text": {"type": "plain_text", "text": "a"}, "value": "1"}])

    @app.shortcut(re.compile(".*"))
    def shortcut(ack: Ack, client: WebClient, shortcut: dict[str, Any]) -> None:
        ack()
        client.views_open(trigger_id=shortcut["trigger_id"], view={"type": "modal"})

    async with app_with(of(app)) as server:
        assert (await server.player.send(make("view_submission"))).body == b'{"response_action": "clear"}'
        assert b'"options"' in (await server.player.send(make("block_suggestion"))).body
        ack = await server.player.send(make("shortcut"))
        assert ack.status == 200
        await until(lambda: slack.calls.by_method["views.open"], what="the modal is opened")


async def test_an_assistant(app_with: AppWith, slack: Any) -> None:
    """A synchronous assistant runs, with its utilities, and its default for a changed context."""
    app, assistant, done = an_app(slack), Assistant(), []

    @assistant.thread_started
    def started(say: Say) -> None:
        say("How can I help?")

    @assistant.user_message
    def message(set_status: SetStatus, say: Say) -> None:
        set_status("is thinking")
        say("done")
        done.append(True)

    app.assistant(assistant)
    async with app_with(of(app)) as server:
        for kind in ("assistant_thread_started", "assistant_thread_context_changed", "assistant_message"):
            ack = await server.player.send(make(kind))
            assert (await server.until_ended(ack.sample.key)).state == "done"
    assert done == [True]
    assert slack.calls.by_method["assistant.threads.setStatus"] == 1


async def test_a_custom_step(app_with: AppWith, slack: Any) -> None:
    """`complete` of a custom function tells Slack, with the token of the execution."""
    app = an_app(slack)

    @app.function(re.compile(".*"))
    def step(complete: Complete) -> None:
        complete(outputs={"a": "1"})

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("function_executed"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert slack.calls.by_method["functions.completeSuccess"] == 1


async def test_slacks_error_is_slack_sdks(app_with: AppWith, slack: Any) -> None:
    """A failed call raises SlackApiError with a synchronous response, which a listener can look at."""
    app, words = an_app(slack), []

    @app.event("app_mention")
    def mentioned(client: WebClient) -> None:
        try:
            client.chat_postMessage(channel="C1")
        except SlackApiError as error:
            words.append((error.response["error"], error.response.status_code, error.response.get("ok")))

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert words == [("no_text", 200, False)]


async def test_an_error_reaches_the_error_handler(app_with: AppWith, slack: Any) -> None:
    """`@app.error` of a synchronous app gets the error, in a thread, and what it returns is the answer."""
    app, seen = an_app(slack), []

    @app.command("/approval")
    def command() -> None:
        raise LookupError("of the listener")

    @app.error
    def handler(error: Exception, body: dict[str, Any]) -> Any:
        from slack_bolt import BoltResponse  # noqa: PLC0415 - as in a team's function

        seen.append((type(error).__name__, body["command"], threading.current_thread().name.startswith("listener")))
        return BoltResponse(status=200, body="sorry")

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("command"))
    assert (ack.status, ack.body) == (200, b"sorry")
    assert seen == [("LookupError", "/approval", True)]


async def test_context_variables_are_those_of_the_request(app_with: AppWith, slack: Any) -> None:
    """A thread sees the context variables of its request, and what it sets reaches no other request."""
    app, seen = an_app(slack), []

    @app.event("app_mention")
    def mentioned() -> None:
        seen.append(NUMBER.get())
        NUMBER.set(1)

    async with app_with(of(app)) as server:
        for _ in range(3):
            ack = await server.player.send(make("app_mention"))
            await server.until_ended(ack.sample.key)
    assert seen == [0, 0, 0]


async def test_context_variables_of_a_middleware_are_seen_by_what_follows(app_with: AppWith, slack: Any) -> None:
    """What a middleware sets, such as the id of a request for the log, is there for matchers, middleware and listener,
    and not for the next request."""
    app, seen = an_app(slack), []

    @app.middleware
    def first(next: Any) -> None:  # noqa: A002 - Bolt's name
        seen.append(NUMBER.get())
        NUMBER.set(1)
        next()

    def matcher() -> bool:
        seen.append(NUMBER.get())
        NUMBER.set(2)
        return True

    def own(next: Any) -> None:  # noqa: A002 - Bolt's name
        seen.append(NUMBER.get())
        next()

    @app.event("app_mention", matchers=[matcher], middleware=[own])
    def mentioned() -> None:
        seen.append(NUMBER.get())

    async with app_with(of(app)) as server:
        for _ in range(2):
            ack = await server.player.send(make("app_mention"))
            await server.until_ended(ack.sample.key)
    assert seen == [0, 1, 2, 2] * 2


async def test_sync_and_async_mix(app_with: AppWith, slack: Any) -> None:
    """Listeners of an App, of an AsyncApp and of a function run in one server; the first that matches runs."""
    client = AsyncWebClient(token="xoxb-made-up", base_url=slack.api_url)
    one, other, ran = an_app(slack), AsyncApp(client=client, signing_secret=""), []

    @one.event("app_mention")
    def mentioned() -> None:
        ran.append("App")

    @other.event("reaction_added")
    async def reacted() -> None:
        ran.append("AsyncApp")

    def register(bolt: Any) -> None:
        adopt(bolt, one)
        adopt(bolt, other)

        @bolt.event("team_join")  # type: ignore[untyped-decorator] # as a team writes it
        def joined(say: Say) -> None:
            ran.append(f"function {type(say).__name__}")

    async with app_with(register) as server:
        for kind in ("app_mention", "reaction_added", "team_join"):
            ack = await server.player.send(make(kind))
            assert (await server.until_ended(ack.sample.key)).state == "done"
    assert ran == ["App", "AsyncApp", "function Say"]


async def test_threads_are_bounded(app_with: AppWith, slack: Any) -> None:
    """At most SYNC_THREADS listeners run at once; the others wait for a thread and run then."""
    app, go, lock = an_app(slack), threading.Event(), threading.Lock()
    running, most, ended = 0, 0, 0

    @app.event("team_join")
    def joined() -> None:
        nonlocal running, most, ended
        with lock:
            running += 1
            most = max(most, running)
        go.wait(30)
        with lock:
            running -= 1
            ended += 1

    async with app_with(of(app), sync_threads=3) as server:
        acks = [await server.player.send(make("team_join")) for _ in range(8)]
        await until(lambda: running == 3, what="three threads run")
        await asyncio.sleep(0)
        go.set()
        for ack in acks:
            assert (await server.until_ended(ack.sample.key)).state == "done"
    assert (most, ended) == (3, 8)


async def test_what_ends_a_process_ends_only_its_own_run(app_with: AppWith, slack: Any) -> None:
    """`sys.exit()` in a synchronous listener fails its run, as in Bolt's threads; the process goes on."""
    app = an_app(slack)

    @app.event("app_mention")
    def leaves() -> None:
        sys.exit(3)

    @app.command("/approval")
    def interrupted(ack: Ack) -> None:
        raise KeyboardInterrupt

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        row = await server.until_ended(ack.sample.key)
        assert (row.state, row.error) == ("dead", "RunError: SystemExit was raised")
        assert (await server.player.send(make("command"))).status == 503
        again = await server.player.send(make("app_mention"))
        assert (await server.until_ended(again.sample.key)).state == "dead"
