"""Events of the Events API: an outer payload with an event in it."""

from __future__ import annotations

from anchorbolt.emulator.samples.sample import Payload, Sample, as_json
from anchorbolt.emulator.scene import Scene, fresh_id, fresh_ts


def envelope(kind: str, scene: Scene, event: Payload) -> Sample:
    """The outer payload around an event, with a new `event_id`."""
    event_id = fresh_id("Ev")
    payload = {
        "token": "made-up",
        "team_id": scene.team_id,
        "context_team_id": scene.team_id,
        "context_enterprise_id": None,
        "api_app_id": scene.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
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
    }
    return as_json(kind, "event", payload, f"{scene.app_id}:{event_id}")


def _message(scene: Scene, text: str, channel: str, **more: object) -> Payload:
    ts = fresh_ts(scene.clock())
    event: Payload = {"user": scene.user_id, "ts": ts, "text": text if scene.text is None else scene.text}
    event |= {"team": scene.team_id, "channel": channel, "event_ts": ts, "client_msg_id": fresh_id("made-up-")}
    if scene.thread_ts is not None:
        event["thread_ts"] = scene.thread_ts
    return event | more


def app_mention(scene: Scene) -> Sample:
    """Somebody mentions the bot in a channel."""
    text = f"<@{scene.bot_user_id}> who has to approve the launch?"
    return envelope("app_mention", scene, _message(scene, text, scene.channel_id, type="app_mention"))


def message(scene: Scene) -> Sample:
    """Somebody writes into a channel."""
    text = "approval: A bigger boat / 2 oars"
    return envelope("message", scene, _message(scene, text, scene.channel_id, type="message", channel_type="channel"))


def direct_message(scene: Scene, kind: str, text: str) -> Sample:
    """Somebody writes to the bot alone."""
    return envelope(kind, scene, _message(scene, text, scene.dm_id, type="message", channel_type="im"))


def reaction_added(scene: Scene) -> Sample:
    """Somebody reacts to a message of the bot."""
    now = scene.clock()
    event = {
        "type": "reaction_added",
        "user": scene.user_id,
        "reaction": "thumbsup",
        "item": {"type": "message", "channel": scene.channel_id, "ts": scene.thread_ts or fresh_ts(now)},
        "item_user": scene.bot_user_id,
        "event_ts": fresh_ts(now),
    }
    return envelope("reaction_added", scene, event)


def app_home_opened(scene: Scene) -> Sample:
    """Somebody opens the app's home tab."""
    event = {
        "type": "app_home_opened",
        "user": scene.user_id,
        "channel": scene.dm_id,
        "tab": "home",
        "event_ts": fresh_ts(scene.clock()),
    }
    return envelope("app_home_opened", scene, event)


def team_join(scene: Scene) -> Sample:
    """Somebody joins the workspace: an event that the sample app has no listener for."""
    user = {"id": fresh_id("U"), "team_id": scene.team_id, "name": "joan", "real_name": "Joan", "is_bot": False}
    return envelope("team_join", scene, {"type": "team_join", "user": user, "event_ts": fresh_ts(scene.clock())})
