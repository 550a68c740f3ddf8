"""Events of the Events API: an outer payload with an event in it. https://docs.slack.dev/apis/events-api

Each function makes one request, from what it is named by, the other fields that were given, and the scene (build.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anchorbolt.emulator.requests.event_shapes import SHAPES
from anchorbolt.emulator.requests.fields import Fields, RequestFormatError, as_text, merged
from anchorbolt.emulator.requests.sample import Payload, Sample, as_json
from anchorbolt.emulator.scene import Scene, fresh_id, fresh_ts


def event(kind: str, fields: Fields, scene: Scene) -> Sample:
    """Something happens. All fields but `team` and `payload` go into the event, whatever its type is."""
    changes = fields.mapping("payload")
    scene = replace(scene, team_id=fields.text("team", scene.team_id))
    given = dict(fields.rest())
    for name, value in given.items():
        if isinstance(value, float) and name.endswith("ts"):  # as a number, it would lose the zeros at its end
            as_text(f"event: {name}", value)
    shape = SHAPES.get(kind)
    made: Payload = {"type": kind}
    if shape is not None:
        scene = replace(
            scene,
            user_id=_place(given, "user") or scene.user_id,
            channel_id=_place(given, "channel") or scene.channel_id,
            thread_ts=_place(given, "thread_ts") or scene.thread_ts,
        )
        made |= shape.make(scene, given)
        given = {name: value for name, value in given.items() if name not in shape.inside}
    made |= given
    made.setdefault("event_ts", _time_of(made, scene))
    return _enveloped(kind, made, changes, scene)


def function(callback_id: str, fields: Fields, scene: Scene) -> Sample:
    """A workflow runs a step of the app's (`function_executed`)."""
    scene = replace(scene, team_id=fields.text("team", scene.team_id))
    inputs = fields.mapping("inputs")
    changes = fields.mapping("payload")
    fields.finish()
    made: Payload = {
        "type": "function_executed",
        "function": {
            "id": fresh_id("Fn"),
            "callback_id": callback_id,
            "title": callback_id,
            "description": "",
            "type": "app",
            "input_parameters": [{"name": name, "type": "string", "is_required": True} for name in inputs],
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
    return _enveloped("function_executed", made, changes, scene)


def _place(given: Payload, name: str) -> str | None:
    """The user, the channel or the thread, if it is given by its id and not as an object."""
    value = given.get(name)
    return as_text(f"event: {name}", value) if isinstance(value, str | int) else None


def _time_of(made: Payload, scene: Scene) -> Any:
    return made.get("ts") or fresh_ts(scene.clock())


def _enveloped(kind: str, made: Payload, changes: Payload, scene: Scene) -> Sample:
    """The outer payload around an event, with a new `event_id`."""
    payload = merged(
        {
            "token": "made-up",
            "team_id": scene.team_id,
            "context_team_id": scene.team_id,
            "context_enterprise_id": None,
            "api_app_id": scene.app_id,
            "event": made,
            "type": "event_callback",
            "event_id": fresh_id("Ev"),
            "event_time": int(scene.clock()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": scene.team_id,
                    "user_id": scene.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{fresh_id('made-up')}",
        },
        changes,
    )
    try:
        return as_json(kind, "event", payload, f"{payload['api_app_id']}:{payload['event_id']}")
    except TypeError as error:
        raise RequestFormatError(f"event: a value cannot be written as JSON ({error}): put it in quotes") from None
