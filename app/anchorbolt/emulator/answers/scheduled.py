"""The methods for messages that are posted later: chat.scheduleMessage and what belongs to it."""

from __future__ import annotations

from anchorbolt.emulator.answers.chat import written
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, number, page
from anchorbolt.emulator.scene import fresh_id
from anchorbolt.emulator.state.workspace import Workspace

_LATEST_SECONDS = 120 * 24 * 3600


def schedule(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Schedules a message for `post_at`, in seconds since 1970, at most 120 days ahead."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    post_at = number(arguments, "post_at", -1)
    if post_at < 0:
        return failed("invalid_time")
    if post_at <= now:
        return failed("time_in_past")
    if post_at > now + _LATEST_SECONDS:
        return failed("time_too_far")
    message = written(arguments)
    if isinstance(message, str):
        return failed(message)
    scheduled_id = fresh_id("Q")
    kept = {"id": scheduled_id, "channel_id": channel.id, "post_at": post_at, "date_created": int(now)}
    workspace.scheduled[scheduled_id] = kept | {"message": message}
    told = message | {"type": "delayed_message"}
    answer = {"ok": True, "channel": channel.id, "scheduled_message_id": scheduled_id, "post_at": post_at}
    return answer | {"message": told}


def scheduled_messages(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The messages that are not posted yet, the next one first."""
    post_due(workspace, now)
    channel = workspace.channels.find(arguments.get("channel")) if arguments.get("channel") else None
    found = [
        {name: value for name, value in kept.items() if name != "message"} | {"text": kept["message"]["text"]}
        for kept in sorted(workspace.scheduled.values(), key=lambda kept: int(kept["post_at"]))
        if channel is None or kept["channel_id"] == channel.id
    ]
    return page("scheduled_messages", found, arguments)


def unschedule(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Deletes a scheduled message that is not posted yet."""
    post_due(workspace, now)
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    kept = workspace.scheduled.get(str(arguments.get("scheduled_message_id") or ""))
    if kept is None or kept["channel_id"] != channel.id:
        return failed("invalid_scheduled_message_id")
    del workspace.scheduled[kept["id"]]
    return {"ok": True}


def post_due(workspace: Workspace, now: float) -> None:
    """Posts the messages whose time has come. It is called before anybody can notice that they were not posted."""
    due = [kept for kept in workspace.scheduled.values() if kept["post_at"] <= now]
    for kept in sorted(due, key=lambda kept: int(kept["post_at"])):
        del workspace.scheduled[kept["id"]]
        ts = workspace.messages.new_ts(kept["post_at"])
        workspace.messages.add(kept["channel_id"], kept["message"] | {"ts": ts})


METHODS: dict[str, Answering] = {
    "chat.scheduleMessage": schedule,
    "chat.scheduledMessages.list": scheduled_messages,
    "chat.deleteScheduledMessage": unschedule,
}
