"""The methods that write a message bit by bit: chat.startStream, chat.appendStream and chat.stopStream."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.answers.chat import by_bot
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed
from anchorbolt.emulator.state.messages import Message
from anchorbolt.emulator.state.workspace import Workspace

_TEXT = 12_000


def start_stream(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Begins a message. Outside of direct messages it has to say for whom it is."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if not channel.is_dm:
        for name in ("recipient_team_id", "recipient_user_id"):
            if not arguments.get(name):
                return failed(f"missing_{name}")
    added = _added(arguments)
    if added is None:
        return failed("msg_too_long")
    ts = workspace.messages.new_ts(now)
    message = by_bot() | {"ts": ts}
    if arguments.get("thread_ts"):
        message["thread_ts"] = arguments["thread_ts"]
    workspace.messages.add(channel.id, message | added | {"streaming_state": "in_progress"})
    workspace.streams[channel.id, ts] = True
    return {"ok": True, "channel": channel.id, "ts": ts}


def append_stream(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Appends text and chunks to a message that streams."""
    if isinstance(found := _streaming(arguments, workspace), str):
        return failed(found)
    channel, message = found
    if not (arguments.get("markdown_text") or arguments.get("chunks")):
        return failed("no_text")
    added = _added(arguments)
    if added is None:
        return failed("msg_too_long")
    workspace.messages.put(channel, message | _joined(message, added))
    return {"ok": True, "channel": channel, "ts": message["ts"]}


def stop_stream(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Ends a message that streams. The answer holds the message."""
    if isinstance(found := _streaming(arguments, workspace), str):
        return failed(found)
    channel, message = found
    added = _added(arguments)
    if added is None:
        return failed("msg_too_long")
    ended = message | _joined(message, added) | {"streaming_state": "completed"}
    ended |= {name: decoded(arguments[name]) for name in ("blocks", "metadata") if arguments.get(name)}
    workspace.messages.put(channel, ended)
    workspace.streams.pop((channel, message["ts"]), None)
    return {"ok": True, "channel": channel, "ts": message["ts"], "message": ended}


def _streaming(arguments: Arguments, workspace: Workspace) -> tuple[str, Message] | str:
    """The channel and the message that a call goes on with, or Slack's word for why it cannot."""
    channel, ts = workspace.channels.find(arguments.get("channel")), str(arguments.get("ts") or "")
    if channel is None:
        return "channel_not_found"
    message = workspace.messages.find(channel.id, ts)
    if message is None:
        return "message_not_found"
    return (channel.id, message) if (channel.id, ts) in workspace.streams else "message_not_in_streaming_state"


def _added(arguments: Arguments) -> dict[str, Any] | None:
    """The text and the chunks of a call, or None where the text is too long."""
    text = str(arguments.get("markdown_text") or "")
    if len(text) > _TEXT:
        return None
    chunks = decoded(arguments.get("chunks")) or []
    chunks = [chunk for chunk in chunks if isinstance(chunk, dict)] if isinstance(chunks, list) else []
    text += "".join(str(chunk.get("text", "")) for chunk in chunks if chunk.get("type") == "markdown_text")
    others = [chunk for chunk in chunks if chunk.get("type") != "markdown_text"]
    return {"text": text} | ({"chunks": others} if others else {})


def _joined(message: Answer, added: dict[str, Any]) -> dict[str, Any]:
    chunks = (message.get("chunks") or []) + added.get("chunks", [])
    return {"text": message.get("text", "") + added["text"]} | ({"chunks": chunks} if chunks else {})


METHODS: dict[str, Answering] = {
    "chat.startStream": start_stream,
    "chat.appendStream": append_stream,
    "chat.stopStream": stop_stream,
}
