"""What runs beside what in a whole process: unrelated events side by side, and a stop at once."""

from __future__ import annotations

import json
from typing import Any

from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.events import envelope
from anchorbolt.emulator.samples.sample import as_json
from anchorbolt.emulator.scene import TEAM_ID, Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.cases import case
from tests.support.listener_log import ListenerLog

FIVE = range(1, 6)
THREAD = "1760000000.000100"


def sample(name: str, number: int, **event: Any) -> Sample:
    """An event of tests/support/cases, to be sent; its listener waits until it is told to go on."""
    found = case(name, number, text="hold=go", **event)
    payload = json.loads(found.body)
    payload["authorizations"] = [{"team_id": TEAM_ID, "is_bot": True}]  # else it is of a foreign workspace
    return as_json(name, "event", payload, found.key)


async def test_unrelated_events_of_a_workspace_run_side_by_side(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """Workflow steps, links in the composer and links in one channel have all begun before the first one ends."""
    app = start_app()
    await app.until_ready()
    events = [
        *(sample("function_executed", n, function_execution_id=f"Fx{n}") for n in FIVE),
        *(sample("link_shared_composer", n, user=f"U{n}") for n in FIVE),
        *(sample("link_shared_composer", 5 + n, channel="C1", source="x", message_ts=f"{n}.1") for n in FIVE),
    ]
    for one in events:
        assert (await play_to(app).send(one)).status == 200
    await listener_log.until_said("start", len(events))
    assert listener_log.entries("done") == []
    listener_log.release("go")
    await listener_log.until_said("done", len(events))


async def test_a_stop_runs_at_once_though_every_slot_is_taken(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """Its listener begins and ends while the run in its thread has the only slot and others wait for that."""
    app = start_app(RUN_CONCURRENCY=1)
    await app.until_ready()
    scene = Scene(thread_ts=THREAD, text="hold=go")
    answering = make("app_mention", scene)
    assert (await play_to(app).send(answering)).status == 200
    await listener_log.until_said("start", key=answering.key)
    behind = make("app_mention", Scene(channel_id="C0OTHER", text="n=1"))
    assert (await play_to(app).send(behind)).status == 200
    inner = {"type": "agent_session_stopped", "channel": scene.channel_id, "thread_ts": THREAD, "user": scene.user_id}
    stop = envelope("agent_session_stopped", scene, inner | {"streaming_message_ts": [], "event_ts": THREAD})
    assert (await play_to(app).send(stop)).status == 200
    await listener_log.until_said("done", key=stop.key)
    assert [entry.key for entry in listener_log.entries()] == [answering.key, stop.key, stop.key]
    listener_log.release("go")
    await listener_log.until_said("done", key=answering.key)
    await listener_log.until_said("done", key=behind.key)
