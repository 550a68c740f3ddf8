"""Events of assistant threads and of workflow steps."""

from __future__ import annotations

from dataclasses import replace

from anchorbolt.emulator.samples.events import direct_message, envelope
from anchorbolt.emulator.samples.sample import Payload, Sample
from anchorbolt.emulator.scene import Scene, fresh_id, fresh_ts


def _assistant_thread(scene: Scene) -> Payload:
    return {
        "user_id": scene.user_id,
        "context": {"channel_id": scene.channel_id, "team_id": scene.team_id, "enterprise_id": None},
        "channel_id": scene.dm_id,
        "thread_ts": scene.thread_ts or fresh_ts(scene.clock()),
    }


def _about_thread(kind: str, scene: Scene) -> Sample:
    event = {"type": kind, "assistant_thread": _assistant_thread(scene), "event_ts": fresh_ts(scene.clock())}
    return envelope(kind, scene, event)


def assistant_thread_started(scene: Scene) -> Sample:
    """Somebody opens the assistant beside a channel."""
    return _about_thread("assistant_thread_started", scene)


def assistant_thread_context_changed(scene: Scene) -> Sample:
    """Somebody changes to another channel while the assistant is open."""
    return _about_thread("assistant_thread_context_changed", scene)


def assistant_message(scene: Scene) -> Sample:
    """Somebody asks the assistant: a direct message in a thread."""
    in_thread = replace(scene, thread_ts=scene.thread_ts or fresh_ts(scene.clock()))
    return direct_message(in_thread, "assistant_message", "What waits for me?")


def function_executed(scene: Scene) -> Sample:
    """A workflow runs the app's step."""
    names = ("title", "category", "requester", "approver")
    inputs = {"title": "A new anchor", "category": "equipment"}
    inputs |= {"requester": scene.user_id, "approver": scene.approver_id}
    event = {
        "type": "function_executed",
        "function": {
            "id": fresh_id("Fn"),
            "callback_id": "request_approval",
            "title": "Request an approval",
            "description": "Asks somebody, and goes on with the answer",
            "type": "app",
            "input_parameters": [{"name": name, "type": "string", "is_required": True} for name in names],
            "output_parameters": [],
            "app_id": scene.app_id,
            "date_created": 1_760_000_000,
            "date_updated": 1_760_000_000,
            "date_deleted": 0,
        },
        "inputs": inputs,
        "function_execution_id": fresh_id("Fx"),
        "workflow_execution_id": fresh_id("Wx"),
        "bot_access_token": f"xwfp-{fresh_id('made-up-')}",
        "event_ts": fresh_ts(scene.clock()),
    }
    return envelope("function_executed", scene, event)
