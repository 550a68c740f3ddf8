"""The methods that write messages: chat.*."""

from __future__ import annotations

import itertools

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed, flag, is_ts
from anchorbolt.emulator.scene import APP_ID, BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID
from anchorbolt.emulator.state.workspace import Workspace

_BLOCKS = 50
_CONTENT = ("text", "blocks", "attachments", "markdown_text")
_DECODED = ("blocks", "attachments", "metadata")
_KEPT = ("text", "blocks", "attachments", "thread_ts", "metadata", "username", "icon_emoji", "icons")
_TEXT = 40_000
_NUMBERS = itertools.count(1)


def post_message(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Posts a message. The answer holds the `ts` of the new message."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if channel.is_archived:
        return failed("is_archived")
    message = written(arguments)
    if isinstance(message, str):
        return failed(message)
    message["ts"] = workspace.messages.new_ts(now)
    if flag(arguments, "reply_broadcast"):
        message["reply_broadcast"] = True
    workspace.messages.add(channel.id, message)
    return {"ok": True, "channel": channel.id, "ts": message["ts"], "message": message}


def post_ephemeral(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Shows a message to one user; nobody can read it again."""
    if workspace.channels.find(arguments.get("channel")) is None:
        return failed("channel_not_found")
    if workspace.users.find(arguments.get("user")) is None:
        return failed("user_not_found")
    message = written(arguments)
    return failed(message) if isinstance(message, str) else {"ok": True, "message_ts": workspace.messages.new_ts(now)}


def update_message(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Changes a message. One that the emulator never saw counts as posted, because samples refer to such messages."""
    channel, ts = workspace.channels.find(arguments.get("channel")), str(arguments.get("ts") or "")
    if channel is None:
        return failed("channel_not_found")
    if not ts:
        return failed("message_not_found")
    if (channel.id, ts) in workspace.streams:
        return failed("streaming_state_conflict")
    changes = written(arguments)
    if isinstance(changes, str):
        return failed(changes)
    edited = {"edited": {"user": BOT_USER_ID, "ts": workspace.messages.new_ts(now)}}
    message = (workspace.messages.find(channel.id, ts) or {"ts": ts}) | changes | edited
    workspace.messages.put(channel.id, message)
    return {"ok": True, "channel": channel.id, "ts": ts, "text": message.get("text", ""), "message": message}


def delete_message(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Deletes a message: `chat.delete`."""
    channel, ts = workspace.channels.find(arguments.get("channel")), str(arguments.get("ts") or "")
    if channel is None:
        return failed("channel_not_found")
    if not workspace.messages.delete(channel.id, ts):
        return failed("message_not_found")
    workspace.streams.pop((channel.id, ts), None)
    return {"ok": True, "channel": channel.id, "ts": ts}


def permalink(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The address of a message, also of one that the emulator never saw."""
    channel, ts = workspace.channels.find(arguments.get("channel")), str(arguments.get("message_ts") or "")
    if channel is None:
        return failed("channel_not_found")
    if not is_ts(ts):
        return failed("message_not_found")
    link = f"https://{TEAM_DOMAIN}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    message = workspace.messages.find(channel.id, ts)
    if message and message.get("thread_ts"):
        link += f"?thread_ts={message['thread_ts']}&cid={channel.id}"
    return {"ok": True, "channel": channel.id, "permalink": link}


def me_message(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Posts what `/me` posts: `chat.meMessage`."""
    answer = post_message(arguments, workspace, now)
    return {"ok": True, "channel": answer["channel"], "ts": answer["ts"]} if answer["ok"] else answer


def unfurl(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Shows previews of links: `chat.unfurl`."""
    if not (arguments.get("unfurls") or arguments.get("metadata") or arguments.get("user_auth_required")):
        return failed("missing_unfurls")
    return {"ok": True}


def written(arguments: Arguments) -> Answer | str:
    """The parts of a message that come from the arguments of the call, or Slack's word for what is wrong with them."""
    if not any(map(arguments.get, _CONTENT)):
        return "no_text"
    message = by_bot()
    for name in _KEPT:
        if value := arguments.get(name):
            message[name] = decoded(value) if name in _DECODED else value
    if arguments.get("markdown_text"):
        if "text" in message or "blocks" in message:
            return "markdown_text_conflict"
        message["text"] = arguments["markdown_text"]
    blocks = message.get("blocks")
    if blocks is not None and (not isinstance(blocks, list) or len(blocks) > _BLOCKS):
        return "invalid_blocks"
    if blocks:
        message["blocks"] = [_with_id(block) for block in blocks]
    message["text"] = str(message.get("text", ""))[:_TEXT]
    return message


def by_bot() -> Answer:
    """The parts of a message that say who wrote it: the bot."""
    return {"type": "message", "user": BOT_USER_ID, "bot_id": BOT_ID, "app_id": APP_ID, "team": TEAM_ID}


def _with_id(block: object) -> object:
    return {"block_id": f"b{next(_NUMBERS):05d}"} | block if isinstance(block, dict) else block


METHODS: dict[str, Answering] = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update_message,
    "chat.delete": delete_message,
    "chat.getPermalink": permalink,
    "chat.meMessage": me_message,
    "chat.unfurl": unfurl,
}
