"""A worker that dies under its master: a new one goes on, and a delivery that kills is buried alone."""

from __future__ import annotations

import os
import signal

from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.listener_log import ListenerLog


async def test_a_new_worker_goes_on(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> None:
    """After SIGKILL to the worker alone, its successor serves, and runs again what was cut: attempt 2, crash 1."""
    app = start_app()
    await app.until_ready()
    sample = make("app_mention", Scene(text="hold=go"))
    assert (await play_to(app).send(sample)).status == 200
    (first,) = await listener_log.until_said("start")
    assert first.pid == app.worker_pid
    os.kill(first.pid, signal.SIGKILL)
    listener_log.release("go")
    (done,) = await listener_log.until_said("done")
    assert (done.attempt, done.crashes) == (2, 1)
    assert done.pid not in {first.pid, app.pid}
    await app.until_ready()
    assert (await play_to(app).send(make("app_mention"))).status == 200
    app.terminate()
    assert await app.until_ended() == 0


async def test_a_delivery_that_kills_is_buried_alone(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """What kills its process each time is a dead letter after MAX_CRASHES; all that ran beside it ends well."""
    app = start_app(MAX_CRASHES=4)
    await app.until_ready()
    # 1. Eight innocents run, then comes the killer. Its name is in the middle: no order of the lanes helps anybody.
    innocents = [make("app_mention", Scene(channel_id=f"C{n}", text="work=0.5")) for n in (1, 2, 3, 4, 6, 7, 8, 9)]
    killer = make("app_mention", Scene(channel_id="C5", text="die=1000"))
    for sample in innocents:
        assert (await play_to(app).send(sample)).status == 200
    await play_to(app).send(killer)
    # 2. It kills one worker after the other, and is buried. Each new one imports the app first.
    (burial,) = await app.until_logged_where(within_seconds=100, outcome="dead")
    assert burial["key"] == killer.key
    assert "cut short 4 times" in burial["error"]
    assert listener_log.counts("start")[str(killer.key)] == 4
    # 3. The others live on.
    await listener_log.until_said("done", len(innocents))
    await app.until_ready()
    assert (await play_to(app).send(make("app_mention"))).status == 200
    assert {line["key"] for line in app.log("delivery ended") if line["outcome"] == "dead"} == {killer.key}
