"""Events that the sample app listens to, and one that it does not."""

from __future__ import annotations

from anchorbolt.emulator.requests.fields import Request
from anchorbolt.emulator.scene import Scene, fresh_id, fresh_ts


def text_of(scene: Scene, usual: str) -> str:
    """Returns what the user of the sample wrote: the scene's text, or the usual one."""
    return usual if scene.text is None else scene.text


def app_mention(scene: Scene) -> Request:
    """Somebody mentions the bot in a channel."""
    return {"event": "app_mention", "text": text_of(scene, f"<@{scene.bot_user_id}> who has to approve the launch?")}


def message(scene: Scene) -> Request:
    """Somebody writes into a channel."""
    return {"event": "message", "text": text_of(scene, "approval: A bigger boat / 2 oars")}


def reaction_added(scene: Scene) -> Request:
    """Somebody reacts to a message of the bot."""
    return {"event": "reaction_added"}


def app_home_opened(scene: Scene) -> Request:
    """Somebody opens the app's home tab."""
    return {"event": "app_home_opened"}


def assistant_thread_started(scene: Scene) -> Request:
    """Somebody opens the assistant beside a channel."""
    return {"event": "assistant_thread_started"}


def assistant_thread_context_changed(scene: Scene) -> Request:
    """Somebody changes to another channel while the assistant is open."""
    return {"event": "assistant_thread_context_changed"}


def assistant_message(scene: Scene) -> Request:
    """Somebody asks the assistant: a direct message in a thread."""
    thread_ts = scene.thread_ts or fresh_ts(scene.clock())
    text = text_of(scene, "What waits for me?")
    return {"event": "message", "channel": scene.dm_id, "text": text, "thread_ts": thread_ts}


def team_join(scene: Scene) -> Request:
    """Somebody joins the workspace: an event that the sample app has no listener for."""
    user = {"id": fresh_id("U"), "team_id": scene.team_id, "name": "joan", "real_name": "Joan", "is_bot": False}
    return {"event": "team_join", "user": user}


def function_executed(scene: Scene) -> Request:
    """A workflow runs the app's step."""
    inputs = {"title": "A new anchor", "category": "equipment"}
    inputs |= {"requester": scene.user_id, "approver": scene.approver_id}
    about = {"title": "Request an approval", "description": "Asks somebody, and goes on with the answer"}
    return {"function": "request_approval", "inputs": inputs, "payload": {"event": {"function": about}}}
