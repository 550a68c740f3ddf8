"""The methods that write messages: chat.*."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Arguments, decoded, failed
from anchorbolt.emulator.messages import Messages
from anchorbolt.emulator.scene import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, fresh_ts


def post_message(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Posts a message. The answer holds the `ts` of the new message."""
    channel = arguments.get("channel")
    if not channel:
        return failed("channel_not_found")
    if not (arguments.get("text") or arguments.get("blocks") or arguments.get("attachments")):
        return failed("no_text")
    message = _written(arguments) | {"ts": fresh_ts(now)}
    messages.put(channel, message)
    return {"ok": True, "channel": channel, "ts": message["ts"], "message": message}


def post_ephemeral(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Shows a message to one user; nobody can read it again."""
    return {"ok": True, "message_ts": fresh_ts(now)}


def update_message(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Changes a message. One that the emulator never saw counts as posted, because samples refer to such messages."""
    channel, ts = arguments.get("channel", ""), arguments.get("ts", "")
    if not ts:
        return failed("message_not_found")
    edited = {"edited": {"user": BOT_USER_ID, "ts": fresh_ts(now)}}
    message = (messages.find(channel, ts) or {"ts": ts}) | _written(arguments) | edited
    messages.put(channel, message)
    return {"ok": True, "channel": channel, "ts": ts, "text": message.get("text", ""), "message": message}


def delete_message(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Deletes a message."""
    channel, ts = arguments.get("channel", ""), arguments.get("ts", "")
    return {"ok": True, "channel": channel, "ts": ts} if messages.delete(channel, ts) else failed("message_not_found")


def _written(arguments: Arguments) -> Answer:
    """The parts of a message that come from the arguments of the call."""
    message = {"type": "message", "user": BOT_USER_ID, "bot_id": BOT_ID, "app_id": APP_ID, "team": TEAM_ID}
    for name in ("text", "blocks", "attachments", "thread_ts", "metadata"):
        if arguments.get(name):
            message[name] = arguments[name] if name in ("text", "thread_ts") else decoded(arguments[name])
    return message
