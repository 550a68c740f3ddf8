"""What the kinds of requests have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anchorbolt.emulator.requests.fields import Fields
from anchorbolt.emulator.requests.sample import Payload
from anchorbolt.emulator.scene import Scene


def in_scene(fields: Fields, scene: Scene) -> Scene:
    """Reads the fields that every kind has, `user` and `team`, and returns the scene with them."""
    return replace(scene, user_id=fields.text("user", scene.user_id), team_id=fields.text("team", scene.team_id))


def channel_name(channel_id: str) -> str:
    """The name of a channel, as Slack writes it into payloads."""
    return "directmessage" if channel_id.startswith("D") else "general"


def label(text: str) -> Payload:
    """A text of a view or a button."""
    return {"type": "plain_text", "text": text, "emoji": True}


def key_of(family: str, payload: Mapping[str, Any]) -> str | None:
    """The idempotency key that the app derives from an interaction; without a `trigger_id` only the app knows it."""
    trigger_id = payload.get("trigger_id")
    return f"{family}:{trigger_id}" if trigger_id else None
