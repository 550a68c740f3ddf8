"""A workflow's step (`app.step`) of a synchronous App or of an AsyncApp: its three listeners run as in Bolt."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from anchorbolt.bolt.adopt.app_object import adopt
from anchorbolt.emulator.samples.sample import as_json, as_payload
from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_bolt.listener.listener_start_handler import CustomListenerStartHandler
from slack_bolt.workflows.step import Complete, Configure, Update, WorkflowStep
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith

WHO = {"team": {"id": "T0ANCH0R"}, "user": {"id": "U0ADA", "team_id": "T0ANCH0R"}, "trigger_id": "1.2.a"}
EDIT = WHO | {
    "type": "workflow_step_edit",
    "callback_id": "news",
    "workflow_step": {"workflow_id": "1", "step_id": "2", "inputs": {"word": {"value": "cats"}}},
}
SAVE = WHO | {
    "type": "view_submission",
    "view": {"id": "V1", "type": "workflow_step", "callback_id": "news", "state": {"values": {}}},
    "workflow_step": {"workflow_step_edit_id": "3", "workflow_id": "1", "step_id": "2"},
}
EXECUTE = {
    "type": "event_callback",
    "api_app_id": "A0ANCH0R",
    "event_id": "Ev0STEP",
    "team_id": "T0ANCH0R",
    "event": {
        "type": "workflow_step_execute",
        "callback_id": "news",
        "workflow_step": {"workflow_step_execute_id": "4", "inputs": {"word": {"value": "cats"}}, "outputs": []},
    },
}
CALLS = {"views.open": 1, "workflows.updateStep": 1, "workflows.stepCompleted": 1}


def has_ended(kind: str, ran: list[str]) -> bool:
    """Whether the listener of one kind was the last that has ended."""
    return ran[-1:] == [kind]


async def the_three_requests(app_with: AppWith, slack: Any, app: App | AsyncApp, ran: list[str]) -> None:
    """Configures, saves and executes the step: each of its listeners calls Slack once, and is in `ran` at its end."""
    samples = [as_payload("edit", "action", EDIT), as_payload("save", "view", SAVE), as_json("run", "event", EXECUTE)]
    async with app_with(lambda bolt: adopt(bolt, app)) as server:
        for sample in samples:
            assert (await server.player.send(sample)).status == 200
            await until(partial(has_ended, sample.kind, ran), what=f"the listener of {sample.kind} has ended")
    assert {name: slack.calls.by_method[name] for name in CALLS} == CALLS


async def test_a_step_of_a_synchronous_app(app_with: AppWith, slack: Any) -> None:
    """Each listener runs in a thread, between the app's handlers, and is given the step's own utilities."""
    client, ran = WebClient(token="xoxb-made-up", base_url=slack.api_url), list[str]()
    app = App(client=client, signing_secret="", token_verification_enabled=False)

    def edit(ack: Any, step: dict[str, Any], configure: Configure) -> None:
        ack()
        configure(blocks=[{"type": "divider"}])
        ran.extend([step["inputs"]["word"]["value"], "edit"])

    def save(ack: Any, view: dict[str, Any], update: Update) -> None:
        update(inputs={"word": {"value": "dogs"}}, outputs=[])
        ack()
        ran.extend([view["callback_id"], "save"])

    def execute(step: dict[str, Any], complete: Complete) -> None:
        complete(outputs={"word": step["inputs"]["word"]["value"]})
        ran.extend([threading.current_thread().name[:8], "run"])

    app.step(WorkflowStep(callback_id="news", edit=edit, save=save, execute=execute))
    app.listener_runner.listener_start_handler = CustomListenerStartHandler(app.logger, lambda: ran.append("start"))
    await the_three_requests(app_with, slack, app, ran)
    assert ran == ["start", "cats", "edit", "start", "news", "save", "start", "listener", "run"]


async def test_a_step_of_an_asynchronous_app(app_with: AppWith, slack: Any) -> None:
    """The same with coroutines."""
    client, ran = AsyncWebClient(token="xoxb-made-up", base_url=slack.api_url), list[str]()
    app = AsyncApp(client=client, signing_secret="")

    async def edit(ack: Any, configure: Any) -> None:
        await ack()
        await configure(blocks=[{"type": "divider"}])
        ran.append("edit")

    async def save(ack: Any, update: Any) -> None:
        await update(inputs={}, outputs=[])
        await ack()
        ran.append("save")

    async def execute(complete: Any) -> None:
        await complete(outputs={})
        ran.append("run")

    listeners: dict[str, Any] = {"edit": edit, "save": save, "execute": execute}  # whose types Bolt states too narrowly
    app.step("news", **listeners)
    await the_three_requests(app_with, slack, app, ran)
    assert ran == ["edit", "save", "run"]
