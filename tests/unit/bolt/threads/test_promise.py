"""What is promised for threads: nothing stops one, so its run lasts as long; once cut, its calls are refused."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from anchorbolt.bolt.adopt.app_object import adopt
from anchorbolt.emulator.requests import build
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.worker.runs import Cut
from slack_bolt import BoltContext
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_sdk import WebClient
from structlog.testing import capture_logs

from tests.support.app_in_process import App as Server
from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.threads.test_sync_app import an_app, of

NUMBER = contextvars.ContextVar("NUMBER", default=0)


class Stuck:
    """A listener whose thread goes on until it is released, and then does one more thing."""

    def __init__(self, then: Callable[..., Any]) -> None:
        self.go = threading.Event()
        self.began = 0
        self.living = 0
        self.most = 0
        self.raised: list[str] = []
        self._then = then

    def listen(self, client: WebClient) -> None:
        """The listener."""
        self.began += 1
        self.living += 1
        self.most = max(self.most, self.living)
        try:
            self.go.wait(60)
            self._then(client)
        except BaseException as error:
            self.raised.append(type(error).__name__)
            raise
        finally:
            self.living -= 1


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    """A listener that makes a call when it is released."""
    made = Stuck(lambda client: client.api_test())
    yield made
    made.go.set()


def runs_of(server: Server) -> list[Any]:
    """What the worker runs now."""
    return list(server.parts.worker._runs)


async def test_a_run_past_its_time_keeps_its_lane(app_with: AppWith, slack: Any, stuck: Stuck) -> None:
    """Past RUN_TIMEOUT_SECONDS a thread goes on, its next call raises, and its next attempt begins after its end."""
    app = an_app(slack)
    app.event("app_mention")(stuck.listen)
    async with app_with(of(app), run_timeout_seconds=0.2) as server:
        ack = await server.player.send(make("app_mention"))
        await until(lambda: stuck.began == 1, what="the thread has begun")
        (running,) = runs_of(server)
        await until(lambda: running.run.calls.closed, what="its time is over")
        assert [one.held is not None for one in runs_of(server)] == [True]
        assert (running.run.threads, stuck.began) == (1, 1)
        stuck.go.set()
        row = await server.until_ended(ack.sample.key)
    assert stuck.raised[0] == "CancelledError"
    assert stuck.most == 1
    assert row.state in {"done", "dead"}


async def test_a_lost_lease(app_with: AppWith, slack: Any, stuck: Stuck) -> None:
    """A run that lost its lease keeps its slot until its thread has ended, whose next call raises and sends nothing."""
    app = an_app(slack)
    app.event("app_mention")(stuck.listen)
    async with app_with(of(app)) as server:
        await server.player.send(make("app_mention"))
        await until(lambda: stuck.began == 1, what="the thread has begun")
        (running,) = runs_of(server)
        running.stop(Cut.LOST)
        for _ in range(10):
            await asyncio.sleep(0)
        assert runs_of(server) == [running]
        stuck.go.set()
        await until(lambda: not runs_of(server), what="the run has ended")
    assert stuck.raised == ["CancelledError"]
    assert slack.calls.by_method["api.test"] == 0


async def test_what_a_thread_raises_after_the_cut_is_no_failure(app_with: AppWith, slack: Any) -> None:
    """A run that the end of its process has cut is handed back, whatever its thread raises then."""

    def broken(_: Any) -> None:
        raise LookupError("after the cut")

    stuck, app = Stuck(broken), an_app(slack)
    app.event("app_mention")(stuck.listen)
    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        await until(lambda: stuck.began == 1, what="the thread has begun")
        server.parts.worker.stop_taking()
        handing_back = asyncio.create_task(server.parts.worker.hand_back(30))
        (running,) = runs_of(server)
        await until(lambda: running.cut is not None, what="the run is cut")
        stuck.go.set()
        assert await handing_back == 1
        row = await server.stored(ack.sample.key)
    assert row is not None
    assert (row.state, row.error, row.crashes) == ("live", None, 0)


async def test_a_thread_that_outlives_the_drain_is_named(app_with: AppWith, slack: Any, stuck: Stuck) -> None:
    """The log says of a living thread that nothing stops it and that its lane stays leased; it is not handed back."""
    app = an_app(slack)
    app.event("app_mention")(stuck.listen)
    async with app_with(of(app)) as server:
        await server.player.send(make("app_mention"))
        await until(lambda: stuck.began == 1, what="the thread has begun")
        with capture_logs() as logs:
            assert await server.parts.worker.hand_back(0.01) == 0
        assert server.parts.bolt.threads.running == 1
        assert [one.keeps_lease for one in runs_of(server)] == [True]
        stuck.go.set()
        await until(lambda: not runs_of(server), what="the thread has ended")
        assert server.parts.bolt.threads.running == 0
    told = [line["event"] for line in logs if "listener goes on" in line["event"]]
    assert told == [
        "a synchronous listener goes on: its thread cannot be stopped,"
        " and its lane stays leased until it ends or the process does"
    ]


async def test_cut_twice(app_with: AppWith, slack: Any) -> None:
    """A lazy function's thread is waited for, however often its run is cut meanwhile."""
    stuck, app = Stuck(lambda _: None), an_app(slack)
    app.event("app_mention")(ack=lambda: None, lazy=[stuck.listen])
    async with app_with(of(app), run_timeout_seconds=0.2) as server:
        await server.player.send(make("app_mention"))
        await until(lambda: stuck.began == 1, what="the thread has begun")
        (running,) = runs_of(server)
        await until(lambda: running.run.calls.closed, what="its time is over")
        running.stop(Cut.DRAINED)
        for _ in range(20):
            await asyncio.sleep(0)
        assert runs_of(server) == [running]
        stuck.go.set()
        await until(lambda: running not in runs_of(server), what="the run has ended")


async def test_urgent_events_have_threads_of_their_own(app_with: AppWith, slack: Any, stuck: Stuck) -> None:
    """An urgent event is run though every other thread is taken: it may be what ends them."""
    app, urgent = an_app(slack), []
    app.event("app_mention")(stuck.listen)
    app.event("agent_session_stopped")(lambda: urgent.append(stuck.living))
    async with app_with(of(app), sync_threads=1) as server:
        for lane in range(3):
            scene = Scene(channel_id=f"C{lane}", thread_ts=f"1700000000.00000{lane}")
            await server.player.send(make("app_mention", scene))
        await until(lambda: stuck.living == 1, what="the one thread is taken")
        scene = Scene()
        inner = {"event": "agent_session_stopped", "channel": scene.channel_id, "thread_ts": "1.1", "user": "U1"}
        ack = await server.player.send(build(inner | {"event_ts": "1.1"}, scene))
        assert (await server.until_ended(ack.sample.key)).state == "done"
        assert urgent == [1]
        stuck.go.set()
        await until(lambda: not runs_of(server), what="the others have ended")
    assert stuck.began == 3


async def test_a_middleware_that_blocks(app_with: AppWith, slack: Any) -> None:
    """Slack is answered at its deadline though a middleware's thread goes on, and the run lasts until that ends."""
    app, go, ran = an_app(slack), threading.Event(), []

    @app.middleware
    def blocks(next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt's name
        go.wait(60)
        next()

    app.command("/approval")(lambda ack: ran.append(ack()))
    async with app_with(of(app), ack_deadline_seconds=0.3) as server:
        ack = await server.player.send(make("command"))
        assert (ack.status, ack.body) == (503, b'{"error":"ack_timeout"}')
        assert len(runs_of(server)) == 1
        go.set()
        await until(lambda: not runs_of(server), what="the run has ended")
    assert not ran


async def test_an_ack_that_comes_too_late(app_with: AppWith, slack: Any) -> None:
    """A listener that did not acknowledge in time is told so by its ack(), which raises."""
    app, go, raised = an_app(slack), threading.Event(), []

    @app.command("/approval")
    def command(ack: Any) -> None:
        go.wait(60)
        try:
            ack()
        except BaseException as error:
            raised.append(type(error))
            raise

    app.event("app_mention")(lambda: None)
    async with app_with(of(app)) as server:
        warm = await server.player.send(make("app_mention"))  # authorized, so that the deadline is the listener's own
        await server.until_ended(warm.sample.key)
        assert (await server.player.send(make("command"))).status == 503
        go.set()
        await until(lambda: not runs_of(server), what="the run has ended")
    assert raised == [asyncio.CancelledError]


async def test_context_variables(app_with: AppWith, slack: Any) -> None:
    """A thread sees what asynchronous code before it has set, such as the span of a trace; and so do its calls."""
    app, other, seen = an_app(slack), AsyncApp(token="xoxb-made-up", signing_secret=""), []
    other._async_client.base_url = slack.api_url

    @other.middleware
    async def sets(next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt's name
        NUMBER.set(7)
        await next()

    @app.event("app_mention")
    def mentioned() -> None:
        seen.append(NUMBER.get())

    async with app_with(lambda bolt: adopt(bolt, other)) as server:
        adopt(server.parts.bolt, app)
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert seen == [7]


async def test_coroutine_functions_in_a_synchronous_app(app_with: AppWith, slack: Any) -> None:
    """What is `async def` in a synchronous App runs here, where Bolt would make a coroutine and throw it away."""
    app, ran = an_app(slack), []

    @app.middleware
    async def everywhere(context: BoltContext, next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt's name
        context["seen"] = 1
        await next()

    async def never() -> bool:
        return False

    @app.event("app_mention", matchers=[cast("Any", never)])
    async def not_this() -> None:
        ran.append("not this")

    @app.event("app_mention")
    async def mentioned(context: Any, say: Any) -> None:
        await say("hi")
        ran.append(f"event {context['seen']}")

    async with app_with(of(app)) as server:
        ack = await server.player.send(make("app_mention"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert ran == ["event 1"]
    assert slack.calls.by_method["chat.postMessage"] == 1


async def test_synchronous_functions_in_an_asynchronous_assistant(app_with: AppWith, slack: Any) -> None:
    """A `def` in an AsyncAssistant runs in a thread, with Bolt's synchronous utilities."""
    assistant, ran = AsyncAssistant(), []

    def started(say: Any, set_suggested_prompts: Any) -> None:
        say("hello")
        set_suggested_prompts(prompts=["a"])
        ran.append(threading.current_thread().name.startswith("listener"))

    assistant.thread_started(started)
    async with app_with(lambda bolt: bolt.assistant(assistant)) as server:
        ack = await server.player.send(make("assistant_thread_started"))
        assert (await server.until_ended(ack.sample.key)).state == "done"
    assert ran == [True]
