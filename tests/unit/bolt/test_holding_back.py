"""Pauses, limits and cancellations of the whole app: what is held back waits, and what is cancelled ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.emulator.requests.build import build
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.history import read
from anchorbolt.inbox.parking import Parking, sentence
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.stopping import Stopping
from anchorbolt.telemetry import metrics
from anchorbolt.worker import breaking
from slack_bolt.async_app import AsyncApp, AsyncSay
from sqlalchemy import Row

from tests.support.app_in_process import App
from tests.support.waiting import until, until_answer
from tests.unit.bolt.conftest import AppWith

NAME = f"{__name__}.mentioned"


class Listeners:
    """A listener of mentions that notes what it was given, and waits for `go_on` where the text is `hang`."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.errors: list[str] = []
        self.go_on = asyncio.Event()

    def register(self, app: AsyncApp) -> None:
        """Registers them."""

        @app.event("app_mention")
        async def mentioned(event: dict[str, Any], say: AsyncSay) -> None:
            self.began.append(event["text"])
            if event["text"].startswith("hang"):
                await self.go_on.wait()
            self.ended.append(event["text"])

        @app.event("message")
        async def message(event: dict[str, Any]) -> None:
            self.ended.append(event["text"])

        @app.event("agent_session_stopped")
        async def stopped(event: dict[str, Any], context: dict[str, Any]) -> None:
            found = await context["delivery"].cancel_lane(event["channel"], event["thread_ts"])
            self.ended.append(f"stopped {found}")

        @app.error
        async def error(error: Exception) -> None:
            self.errors.append(str(error))


async def mention(app: App, text: str, thread: str, kind: str = "app_mention") -> str:
    """Sends an event of one thread; returns its key."""
    ack = await app.player.send(make(kind, Scene(text=text, thread_ts=thread)))
    assert ack.status == 200
    return str(ack.sample.key)


async def parked(app: App, key: str, waits_for: str) -> Row[Any]:
    """Waits until a delivery is parked."""

    async def found() -> Row[Any] | None:
        row = await app.stored(key)
        waiting = await in_transaction(app, Parking().waiting)
        return row if row is not None and row.error == sentence(waits_for) and waits_for in waiting else None

    return await until_answer(found, what=f"{key} waits for {waits_for}")


async def in_transaction(app: App, work: Callable[[Any], Any]) -> Any:
    """What an operator's command does."""
    return await app.parts.inbox.database.transact(work)


@pytest.mark.parametrize("scope", ["listener", "kind", "workspace", "conversation"])
async def test_what_is_paused_waits_until_it_is_resumed(app_with: AppWith, scope: str) -> None:
    """A pause of one thing holds what is of it, without an attempt and in order; a resume runs it."""
    mine, scene, pauses = Listeners(), Scene(), Pauses("sqlite")
    name = {
        "listener": NAME,
        "kind": "event",
        "workspace": scene.team_id,
        "conversation": scene.channel_id,
    }[scope]
    async with app_with(mine.register) as app:
        await in_transaction(app, lambda c: pauses.pause(c, scope, name, "ann@host"))
        app.parts.inbox.on_hold()
        await until(lambda: app.parts.worker.pauses == 1, what="the pause is known")
        keys = [await mention(app, text, "1760000000.000100") for text in ("a", "b")]
        row = await parked(app, keys[0], f"pause:{scope}:{name}")
        assert (row.state, row.attempts, mine.began) == ("live", 0, [])
        if scope == "listener":
            assert row.listener == NAME
            assert (await app.until_ended(await mention(app, "other", "1760000009.000100", "message"))).state == "done"
        assert await in_transaction(app, lambda c: pauses.resume(c, scope, name))
        for key in keys:
            assert (await app.until_ended(key)).state == "done"
        assert mine.began == ["a", "b"]


async def test_a_command_is_answered_during_a_pause(app_with: AppWith) -> None:
    """A pause does not hold what a user waits for."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: Any) -> None:
            await ack("at once")

    async with app_with(register) as app:
        await in_transaction(app, lambda c: Pauses("sqlite").pause(c, "kind", "command", "ann@host"))
        app.parts.inbox.on_hold()
        await until(lambda: app.parts.worker.pauses == 1, what="the pause is known")
        assert (await app.player.send(make("command"))).body == b"at once"


async def test_a_listener_keeps_its_limit_and_others_go_on(app_with: AppWith) -> None:
    """Of three deliveries for a listener that runs one at a time, the others wait for it to end; another one runs."""
    mine = Listeners()
    async with app_with(mine.register, listener_limits=f"{NAME}=1") as app:
        keys = [await mention(app, f"hang {n}", f"176000000{n}.000100") for n in range(3)]
        await until(lambda: mine.began == ["hang 0"], what="the first runs")
        for key in keys[1:]:
            await parked(app, key, f"limit:{NAME}")
        assert (await app.until_ended(await mention(app, "other", "1760000009.000100", "message"))).state == "done"
        mine.go_on.set()
        for key in keys:
            assert (await app.until_ended(key)).state == "done"
    assert sorted(mine.began) == ["hang 0", "hang 1", "hang 2"], "each ran once"


async def test_a_listener_with_a_limit_of_time_is_cancelled_at_it(app_with: AppWith) -> None:
    """It is cancelled at its own limit and not at RUN_TIMEOUT_SECONDS, twice, and is then a dead letter.

    Its history says where it stood each time.
    """
    mine = Listeners()
    async with app_with(mine.register, listener_limits=f"{NAME}=0.05s") as app:
        row = await app.until_ended(await mention(app, "hang", "1760000000.000100"))
    assert (row.state, row.attempts, mine.began) == ("dead", 2, ["hang", "hang"])
    assert "its limit of 0.05 s (LISTENER_LIMITS)" in row.error
    tracebacks = [past.traceback or "" for past in read(row.history)]
    assert ["await self.go_on.wait()" in traceback for traceback in tracebacks] == [True, True]


async def cancel(app: App, key: str) -> str:
    """What `inbox cancel` does; the state in which it found the delivery."""

    def work(connection: Any) -> str:
        found = Stopping().find(connection, key)
        assert found is not None
        if found.state == "running":
            Stopping().cancel(connection, found, "ann@host")
        return found.state

    state = await in_transaction(app, work)
    assert isinstance(state, str)
    return state


async def test_a_run_that_is_cancelled_ends_for_good(app_with: AppWith) -> None:
    """It ends as cancelled, is no failure and no attempt that comes again; its lane goes on, and it can be replayed."""
    mine = Listeners()
    async with app_with(mine.register) as app:
        key = await mention(app, "hang", "1760000000.000100")
        behind = await mention(app, "behind", "1760000000.000100")
        await until(lambda: mine.began == ["hang"], what="it runs")
        assert await cancel(app, key) == "running"
        row = await app.until_ended(key)
        assert (row.state, row.error, row.body is not None) == ("cancelled", "cancelled by ann@host", True)
        assert (await app.until_ended(behind)).state == "done"
        assert (mine.ended, mine.errors) == (["behind"], [])
        assert await cancel(app, key) == "cancelled"
        assert await cancel(app, behind) == "done"
        mine.go_on.set()
        assert await in_transaction(app, lambda c: Admin("sqlite").replay(c, [row.id])) == 1
        assert (await app.until_ended(key)).state == "done"
    assert metrics.deliveries.value("event", "cancelled") > 0


async def test_a_click_on_stop_cancels_the_run_in_its_thread(app_with: AppWith) -> None:
    """A listener of the urgent event cancels what runs in the lane of the thread, and is told whether something did."""
    mine = Listeners()
    async with app_with(mine.register) as app:
        key = await mention(app, "hang", "1760000000.000100")
        await until(lambda: mine.began == ["hang"], what="it runs")
        for _ in range(2):
            await app.until_ended(await stop(app, "1760000000.000100"))
            row = await app.until_ended(key)
        assert row.state == "cancelled"
        assert row.error.startswith("cancelled by ")
    assert mine.ended == ["stopped True", "stopped False"]


async def stop(app: App, thread: str) -> str:
    """Sends the event of a click on stop; its key."""
    fields = {"event": "agent_session_stopped", "channel": Scene().channel_id, "thread_ts": thread, "user": "U1"}
    ack = await app.player.send(build(fields))
    assert ack.status == 200
    return str(ack.sample.key)


async def test_a_thread_that_is_cancelled_keeps_its_lane_until_it_ends(app_with: AppWith) -> None:
    """Its next call raises, and only then its lane is free and what is behind it begins."""
    goes_on, began, said = threading.Event(), [], []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        def mentioned(event: dict[str, Any], say: Any) -> None:
            began.append(event["text"])
            if event["text"] == "hang":
                assert goes_on.wait(30)
                say("never said")
            said.append(event["text"])

    async with app_with(register) as app:
        key = await mention(app, "hang", "1760000000.000100")
        behind = await mention(app, "behind", "1760000000.000100")
        await until(lambda: began == ["hang"], what="it runs")
        await cancel(app, key)
        (running,) = [one for one in app.parts.worker._runs if one.key == key]
        await until(lambda: running.cut is not None, what="it is marked")
        row = await app.stored(key)
        assert (row is not None and row.state, began) == ("live", ["hang"])
        goes_on.set()
        assert (await app.until_ended(key)).state == "cancelled"
        assert (await app.until_ended(behind)).state == "done"
    assert said == ["behind"]


async def test_what_waits_at_a_rate_gate_lends_out_its_slot(app_with: AppWith) -> None:
    """1. Both slots are taken by runs whose call waits; 2. another delivery runs; 3. a drain hands both back."""
    ended = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(event: dict[str, Any], say: AsyncSay) -> None:
            await say("limited")
            ended.append(event["text"])

        @app.event("message")
        async def message(event: dict[str, Any]) -> None:
            ended.append(event["text"])

    async with app_with(register, run_concurrency=2) as app:
        app.parts.bolt.gates.learn("chat.postMessage", Scene().team_id, 3600)
        keys = [await mention(app, "waits", f"176000000{n}.000100") for n in range(2)]
        await until(lambda: app.parts.worker.waiting_runs == 2, what="both wait at the gate")
        assert (await app.until_ended(await mention(app, "other", "1760000009.000100", "message"))).state == "done"
        app.parts.worker.stop_taking()
        assert await app.parts.worker.hand_back(30) == 2
        assert app.parts.worker.waiting_runs == 0
        for key in keys:
            row = await app.stored(key)
            assert row is not None
            assert (row.state, row.attempts) == ("live", 0)
    assert ended == ["other"]


async def test_a_listener_keeps_its_rate_while_lanes_wait_for_it(app_with: AppWith) -> None:
    """Lanes that are parked for a rate go on at that rate, and do not wait for the next look at the clock."""
    mine = Listeners()
    async with app_with(mine.register, listener_limits=f"{NAME}=20/s") as app:
        keys = [await mention(app, f"{n}", f"17600000{n:02}.000100") for n in range(10)]
        for key in keys:
            assert (await app.until_ended(key)).state == "done"
    assert len(mine.ended) == 10


async def test_an_outage_burns_no_attempts(app_with: AppWith, monkeypatch: pytest.MonkeyPatch) -> None:
    """1. What a listener needs is down: its breaker opens; 2. deliveries wait, probes fail, and none is a dead letter
    though each has two attempts; 3. it is back: one probe succeeds, the breaker closes, and all run."""
    down, ran, runs, all_begun = True, [], 0, asyncio.Event()

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(event: dict[str, Any]) -> None:
            nonlocal runs
            runs += 1
            if runs == 12:
                all_begun.set()
            await all_begun.wait()  # on a busy machine the first would have its two attempts before the others come
            if down:
                raise ConnectionError("nobody is there")
            ran.append(event["text"])

    monkeypatch.setattr(breaking, "FIRST_PROBE_SECONDS", 0.01)
    monkeypatch.setattr(breaking, "LONGEST_PROBE_SECONDS", 0.01)
    async with app_with(register, max_attempts=2) as app:
        worker = app.parts.worker
        keys = [await mention(app, f"{n}", f"17600000{n:02}.000100") for n in range(12)]
        await until(lambda: worker.open_breakers == 1, what="the breaker is open")
        before = runs
        while runs < before + 10:  # probes
            await worker._obstacles.look()
            await asyncio.sleep(0.01)
        for key in keys:
            row = await app.stored(key)
            assert row is not None
            assert row.state == "live"
        down = False
        while worker.open_breakers:
            await worker._obstacles.look()
            await asyncio.sleep(0.01)
        for key in keys:
            assert (await app.until_ended(key)).state == "done"
    assert sorted(ran, key=int) == [str(n) for n in range(12)]
    assert metrics.listener_failures.value(f"{__name__}.mentioned") >= 5
