"""What Slack puts into the events that listeners want most; an event of any other type holds only what is given.

https://docs.slack.dev/reference/events
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from anchorbolt.emulator.requests.sample import Payload
from anchorbolt.emulator.scene import Scene, fresh_id, fresh_ts

# These subtypes hold the message that they are about, and are nobody's own message.
_ABOUT_MESSAGES = ("message_changed", "message_deleted")


def _message(scene: Scene, given: Mapping[str, Any]) -> Payload:
    ts = given.get("ts") or fresh_ts(scene.clock())
    made: Payload = {"ts": ts, "channel": scene.channel_id, "event_ts": ts}
    if given.get("subtype") in _ABOUT_MESSAGES:
        return made | {"hidden": True}
    made |= {"user": scene.user_id, "text": "", "team": scene.team_id, "client_msg_id": fresh_id("made-up-")}
    return made if scene.thread_ts is None else made | {"thread_ts": scene.thread_ts}


def _message_in_channel(scene: Scene, given: Mapping[str, Any]) -> Payload:
    channel_type = "im" if scene.channel_id.startswith("D") else "channel"
    return _message(scene, given) | {"channel_type": channel_type}


def _reaction(scene: Scene, given: Mapping[str, Any]) -> Payload:
    item = {"type": "message", "channel": scene.channel_id, "ts": scene.thread_ts or fresh_ts(scene.clock())}
    return {"user": scene.user_id, "reaction": "thumbsup", "item": item, "item_user": scene.bot_user_id}


def _home(scene: Scene, given: Mapping[str, Any]) -> Payload:
    return {"user": scene.user_id, "channel": given.get("channel", scene.dm_id), "tab": "home"}


def _member(scene: Scene, given: Mapping[str, Any]) -> Payload:
    return {"user": scene.user_id, "channel": scene.channel_id, "channel_type": "C", "team": scene.team_id}


def _assistant_thread(scene: Scene, given: Mapping[str, Any]) -> Payload:
    return {
        "assistant_thread": {
            "user_id": scene.user_id,
            "context": {"channel_id": scene.channel_id, "team_id": scene.team_id, "enterprise_id": None},
            "channel_id": scene.dm_id,
            "thread_ts": scene.thread_ts or fresh_ts(scene.clock()),
        }
    }


@dataclass(frozen=True, slots=True)
class Shape:
    """How an event of a type is made, and which of the fields user, channel and thread_ts it holds further inside."""

    make: Callable[[Scene, Mapping[str, Any]], Payload]
    inside: frozenset[str] = frozenset()


_IN_ITEM = frozenset({"channel", "thread_ts"})
_IN_THREAD = frozenset({"user", "channel", "thread_ts"})

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "app_mention": Shape(_message),
        "message": Shape(_message_in_channel),
        "reaction_added": Shape(_reaction, _IN_ITEM),
        "reaction_removed": Shape(_reaction, _IN_ITEM),
        "app_home_opened": Shape(_home),
        "member_joined_channel": Shape(_member),
        "member_left_channel": Shape(_member),
        "assistant_thread_started": Shape(_assistant_thread, _IN_THREAD),
        "assistant_thread_context_changed": Shape(_assistant_thread, _IN_THREAD),
    }
)
