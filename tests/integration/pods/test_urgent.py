"""A stop that one pod accepts runs at once in another one that is full."""

from __future__ import annotations

import httpx
from anchorbolt.emulator.player import Player
from anchorbolt.emulator.requests import build
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.pods.conftest import StartPods

THREAD = "1760000000.000100"


async def test_a_stop_reaches_a_worker_whose_slots_are_all_taken(start_pods: StartPods) -> None:
    """The receiver stores it; the worker has one slot, and the run that is to be stopped has it."""
    pods = await start_pods(2, each=[{"ROLE": "receiver"}, {"ROLE": "worker", "RUN_CONCURRENCY": 1}])
    receiver, worker = pods.pods
    scene = Scene(thread_ts=THREAD, text="hold=go")
    answering = make("app_mention", scene)
    inner = {"event": "agent_session_stopped", "channel": scene.channel_id, "thread_ts": THREAD, "user": scene.user_id}
    stop = build(inner | {"streaming_message_ts": [], "event_ts": THREAD}, scene)
    async with httpx.AsyncClient(verify=False) as http:
        slack = Player(http, receiver.app.url, EMULATOR_SECRET, wait_seconds=15)
        assert (await slack.send(answering)).status == 200
        await pods.listener_log.until_said("start", key=answering.key)
        assert (await slack.send(stop)).status == 200
    (done,) = await pods.listener_log.until_said("done", key=stop.key)
    assert {done.pid} == worker.worker_pids
    assert not [entry for entry in pods.listener_log.entries("done") if entry.key == answering.key]
    pods.listener_log.release("go")
    await pods.listener_log.until_said("done", key=answering.key)
