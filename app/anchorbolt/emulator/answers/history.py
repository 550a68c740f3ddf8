"""The methods that read messages: conversations.history and conversations.replies."""

from __future__ import annotations

from anchorbolt.emulator.answers.scheduled import post_due
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, flag, page
from anchorbolt.emulator.state.channels import Channel
from anchorbolt.emulator.state.messages import Message
from anchorbolt.emulator.state.workspace import Workspace


def history(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The messages of a channel, the newest first, between `oldest` and `latest`."""
    post_due(workspace, now)
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    found = _between(workspace.messages.history(channel.id), arguments)
    return _page(found, arguments, channel, workspace)


def replies(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The messages of a thread, the oldest first. A thread that the emulator never saw is empty, because samples
    refer to such threads.
    """
    post_due(workspace, now)
    channel, ts = workspace.channels.find(arguments.get("channel")), str(arguments.get("ts") or "")
    if channel is None:
        return failed("channel_not_found")
    if not ts:
        return failed("thread_not_found")
    message = workspace.messages.find(channel.id, ts)
    found = workspace.messages.thread(channel.id, str((message or {}).get("thread_ts") or ts))
    return _page(_between(found, arguments), arguments, channel, workspace)


def _page(found: list[Message], arguments: Arguments, channel: Channel, workspace: Workspace) -> Answer:
    answer = page("messages", found, arguments)
    if not answer["ok"]:
        return answer
    answer["messages"] = [_told(message, channel, workspace) for message in answer["messages"]]
    pins = sum(pinned == channel.id for pinned, _ in workspace.pins)
    return answer | {"has_more": bool(answer["response_metadata"]["next_cursor"]), "pin_count": pins}


def _between(found: list[Message], arguments: Arguments) -> list[Message]:
    oldest, latest = _seconds(arguments.get("oldest"), 0.0), _seconds(arguments.get("latest"), float("inf"))
    if flag(arguments, "inclusive"):
        return [message for message in found if oldest <= float(message["ts"]) <= latest]
    # A thread's first message has no bounds in Slack either; here only what lies strictly between is told.
    return [message for message in found if oldest < float(message["ts"]) < latest]


def _seconds(value: object, default: float) -> float:
    try:
        return float(str(value)) if value else default
    except ValueError:
        return default


def _told(message: Message, channel: Channel, workspace: Workspace) -> Message:
    """A message with what others did to it: reactions, pins, and replies where it began a thread."""
    told, ts = message, message["ts"]
    if reactions := workspace.reactions.get((channel.id, ts)):
        told = told | {"reactions": told_reactions(reactions)}
    if (channel.id, ts) in workspace.pins:
        told = told | {"pinned_to": [channel.id]}
    if message.get("thread_ts", ts) == ts:
        answers = [reply for reply in workspace.messages.thread(channel.id, ts) if reply["ts"] != ts]
        if answers:
            users = list(dict.fromkeys(reply["user"] for reply in answers))
            told = told | {"thread_ts": ts, "reply_count": len(answers), "latest_reply": answers[-1]["ts"]}
            told |= {"reply_users": users, "reply_users_count": len(users), "is_locked": False}
    return told


def told_reactions(reactions: dict[str, list[str]]) -> list[dict[str, object]]:
    """The reactions to a message as Slack tells them."""
    return [{"name": name, "users": users, "count": len(users)} for name, users in reactions.items()]


METHODS: dict[str, Answering] = {"conversations.history": history, "conversations.replies": replies}
