"""SIGTERM, SIGINT and preStop: what was acknowledged is finished or handed back, and the process ends with 0."""

from __future__ import annotations

import asyncio
import stat
import time

from anchorbolt.emulator.player import Player
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog
from tests.support.waiting import until, until_answer

IN_MEMORY = "sqlite+aiosqlite://"


async def send_many(player: Player, count: int, text: str = "work=0.1") -> set[str]:
    """Sends events of ten conversations at once. The keys of those that were acknowledged."""
    scenes = [
        Scene(channel_id=f"C{n % 10:03}", thread_ts="1760000000.000100", text=f"n={n} {text}") for n in range(count)
    ]
    acks = await asyncio.gather(*(player.send(make("message", scene)) for scene in scenes))
    return {str(ack.sample.key) for ack in acks if ack.status == 200}


async def test_sigterm_loses_nothing_and_runs_nothing_twice(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """Of 200 events, some running and some waiting at SIGTERM, each ends, and none is started a second time."""
    app = start_app(RUN_CONCURRENCY=8)
    await app.until_ready()
    # 1. SIGTERM comes while events run, wait and arrive.
    sending = asyncio.create_task(send_many(play_to(app), 200))
    await listener_log.until_said("done", 20)
    app.terminate()
    acknowledged = await sending
    assert await app.until_ended() == 0
    assert acknowledged - set(listener_log.counts("done")), "all had ended: nothing was shown"
    # 2. What ran has ended, nothing was cut.
    assert listener_log.counts("start") == listener_log.counts("done")
    # 3. The rest waits in the inbox, and runs in the next process.
    again = start_app(RUN_CONCURRENCY=8)
    await again.until_ready()
    await until(lambda: acknowledged <= set(listener_log.counts("done")), what="all acknowledged events have ended")
    again.terminate()
    assert await again.until_ended() == 0
    assert set(listener_log.counts("start").values()) == {1}


async def test_what_outlives_the_drain_is_handed_back(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """A run that is cut after DRAIN_TIMEOUT_SECONDS is no attempt: the next process runs it as attempt 1, no crash."""
    app = start_app(DRAIN_TIMEOUT_SECONDS=1)
    await app.until_ready()
    sample = make("app_mention", Scene(text="hold=go"))
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("start")
    app.terminate()
    assert await app.until_ended() == 0
    assert [entry.what for entry in listener_log.entries()] == ["start", "cancelled"]
    listener_log.release("go")
    again = start_app()
    await again.until_ready()
    (done,) = await listener_log.until_said("done")
    assert (done.attempt, done.crashes) == (1, 0)


async def test_a_command_that_goes_on_is_finished_in_the_drain(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """A command that was acknowledged and still works is given its time, and does not run again."""
    app = start_app()
    await app.until_ready()
    assert (await play_to(app).send(make("command", Scene(text="hold=go")))).status == 200
    await listener_log.until_said("start")
    app.terminate()
    await app.until_logged("draining")
    listener_log.release("go")
    assert await app.until_ended() == 0
    again = start_app()
    await again.until_ready()
    again.terminate()
    assert await again.until_ended() == 0
    assert [entry.what for entry in listener_log.entries()] == ["start", "done"]


async def test_a_command_that_outlives_the_drain_runs_again_from_the_top(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """A command that was acknowledged and cut is run by the next process, where its ack() does nothing."""
    app = start_app(DRAIN_TIMEOUT_SECONDS=0.5)
    await app.until_ready()
    assert (await play_to(app).send(make("command", Scene(text="hold=go")))).status == 200
    await listener_log.until_said("start")
    app.terminate()
    assert await app.until_ended() == 0
    listener_log.release("go")
    again = start_app()
    await again.until_ready()
    (done,) = await listener_log.until_said("done")
    assert (done.attempt, done.crashes) == (1, 0)


async def test_a_second_sigterm_hastens_the_end(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """Asked twice, the process hands back what runs instead of waiting for it, and ends with 0."""
    app = start_app(DRAIN_TIMEOUT_SECONDS=300)
    await app.until_ready()
    assert (await play_to(app).send(make("app_mention", Scene(text="hold=never")))).status == 200
    await listener_log.until_said("start")
    app.terminate()
    await app.until_logged("draining")
    app.terminate()
    assert await app.until_ended() == 0
    assert [entry.what for entry in listener_log.entries()] == ["start", "cancelled"]


async def test_an_interrupt_drains_master_and_worker(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """Ctrl-C reaches master and worker at once: what runs is finished, the end is 0, and there is no traceback."""
    app = start_app()
    await app.until_ready()
    assert (await play_to(app).send(make("app_mention", Scene(text="hold=go")))).status == 200
    await listener_log.until_said("start")
    app.interrupt()
    await app.until_logged("draining")
    assert app.exit_code is None
    listener_log.release("go")
    assert await app.until_ended() == 0
    assert [entry.what for entry in listener_log.entries()] == ["start", "done"]
    assert "Traceback" not in app.log_text()


async def test_an_orphaned_worker_drains(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> None:
    """A worker whose master was killed finishes what runs and ends: nobody else would tell it to."""
    app = start_app()
    await app.until_ready()
    assert (await play_to(app).send(make("app_mention", Scene(text="hold=go")))).status == 200
    await listener_log.until_said("start")
    app.kill_master()
    await app.until_logged("the master is gone: draining")
    listener_log.release("go")
    await listener_log.until_said("done")
    await until_answer(lambda: _gone(app), what="the worker has ended")


async def _gone(app: AppProcess) -> bool:
    return await app.probe("livez") == 0


async def test_without_a_database_a_drain_finishes_all_that_was_accepted(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """In memory, what still waits for a place is run before the process ends too; its start says what is missing."""
    app = start_app(DATABASE_URL=IN_MEMORY, RUN_CONCURRENCY=4)
    await app.until_ready()
    assert any("SIGKILL loses it" in str(line["event"]) for line in app.log())
    # 1. Four run, sixteen wait for a place or for their lane.
    acknowledged = await send_many(play_to(app), 20, "hold=go")
    await listener_log.until_said("start", 4)
    app.terminate()
    await app.until_logged("draining")
    assert (len(acknowledged), len(listener_log.entries("start"))) == (20, 4)
    # 2. All of them are finished first.
    listener_log.release("go")
    assert await app.until_ended() == 0
    assert listener_log.counts("done") == dict.fromkeys(acknowledged, 1)


async def test_draining_it_still_serves(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> None:
    """After preStop the pod is not ready, alive, and answers what proxies still send; SIGTERM then ends it with 0."""
    app = start_app(DRAIN_DELAY_SECONDS=30)
    await app.until_ready()
    draining = asyncio.create_task(app.drain())
    await until_answer(lambda: _is(app, "readyz", 503), what="not ready")
    assert await app.probe("livez") == 200
    assert await app.probe("startupz") == 200
    assert not draining.done()
    sample = make("app_mention")
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("done", key=sample.key)
    app.terminate()
    draining.cancel()
    assert await app.until_ended() == 0


async def test_a_drain_that_nobody_follows_lapses(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """The hook called by hand returns after its delay, and makes the pod unready for twice that time, not for ever."""
    app = start_app(DRAIN_DELAY_SECONDS=0.5)
    await app.until_ready()
    began = time.monotonic()
    assert await app.drain() == 0
    assert time.monotonic() - began >= 0.5
    assert app.log("draining")
    await app.until_logged("the drain lapsed: no SIGTERM followed it")
    await until_answer(lambda: _is(app, "readyz", 200), what="ready again")
    sample = make("app_mention")
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("done", key=sample.key)


async def test_no_port_can_ask_for_a_drain(start_app: StartApp) -> None:
    """Neither port has a path for it, and only our own user may connect to the socket."""
    app = start_app()
    await app.until_ready()
    assert await app.probe("drain") == 404
    assert await app.probe("readyz") == 200
    assert stat.S_IMODE(app.drain_socket.stat().st_mode) == 0o600


async def _is(app: AppProcess, path: str, status: int) -> bool:
    return await app.probe(path) == status


async def test_requests_in_flight_end_before_the_process(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """A command that waits for its ack at SIGTERM still gets it."""
    app = start_app()
    await app.until_ready()
    answering = asyncio.create_task(play_to(app).send(make("command", Scene(text="ack=hold hold=go"))))
    await listener_log.until_said("waits")
    app.terminate()
    await app.until_logged("draining")
    listener_log.release("go")
    ack = await answering
    assert (ack.status, ack.body) == (200, b"taken")
    assert await app.until_ended() == 0
