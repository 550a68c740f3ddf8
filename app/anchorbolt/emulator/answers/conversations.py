"""The methods that find, make and change channels: conversations.*."""

from __future__ import annotations

import re

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed, flag, listed, page
from anchorbolt.emulator.scene import BOT_USER_ID, fresh_id
from anchorbolt.emulator.state.channels import Channel
from anchorbolt.emulator.state.workspace import Workspace

_NAME = re.compile(r"[^\sA-Z.,!?@#:;/\\()'\"]{1,80}")
_MANY = 8


def info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """A channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    return {"ok": True, "channel": channel.public()} if channel else failed("channel_not_found")


def conversations(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The channels that are known so far, of the `types` that are asked for."""
    types = listed(arguments.get("types")) or ["public_channel"]
    archived = not flag(arguments, "exclude_archived")
    found = [c for c in workspace.channels.all() if _type(c) in types and (archived or not c.is_archived)]
    return page("channels", [channel.public() for channel in found], arguments)


def create(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes a channel whose only member is the bot."""
    name = str(arguments.get("name") or "").removeprefix("#")
    wrong = _wrong_name(name, workspace)
    if wrong:
        return failed(wrong)
    private = flag(arguments, "is_private")
    made = Channel(fresh_id("C"), name, created=int(now), is_private=private, members=[BOT_USER_ID])
    return {"ok": True, "channel": workspace.channels.keep(made).public()}


def open_conversation(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Opens the direct messages with users: always the same channel for the same users."""
    users = listed(arguments.get("users"))
    if arguments.get("channel"):
        found = workspace.channels.find(arguments["channel"])
    elif not users:
        return failed("users_list_not_supplied")
    elif len(users) > _MANY:
        return failed("too_many_users")
    elif any(workspace.users.find(user) is None for user in users):
        return failed("user_not_found")
    elif len(users) == 1:
        found = workspace.channels.find(users[0])
    else:
        name = "mpdm-" + "--".join(sorted(users)).lower() + "-1"
        members = [BOT_USER_ID, *users]
        new = Channel(fresh_id("G"), name, created=int(now), is_private=True, members=members)
        found = workspace.channels.by_name(name) or workspace.channels.keep(new)
    if found is None:
        return failed("channel_not_found")
    full = flag(arguments, "return_im") or not found.is_dm
    return {"ok": True, "channel": found.public() if full else {"id": found.id, "is_im": True}}


def rename(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Gives a channel another name."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    name = str(arguments.get("name") or "")
    if wrong := _wrong_name(name, workspace):
        return failed(wrong)
    channel.name = name
    return {"ok": True, "channel": channel.public()}


def set_topic(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Sets the topic of a channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    channel.topic = str(arguments.get("topic") or "")
    return {"ok": True, "channel": channel.public(), "topic": channel.topic}


def set_purpose(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Sets the purpose of a channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    channel.purpose = str(arguments.get("purpose") or "")
    return {"ok": True, "channel": channel.public(), "purpose": channel.purpose}


def archive(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Archives a channel: nobody can post to it any more."""
    return _archived(arguments, workspace, archived=True)


def unarchive(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Takes a channel out of the archive."""
    return _archived(arguments, workspace, archived=False)


def touch(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Marks a channel as read, or closes it: nothing that an app could see changes."""
    return {"ok": True} if workspace.channels.find(arguments.get("channel")) else failed("channel_not_found")


def make_canvas(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes the canvas of a channel, which the emulator does not keep."""
    named = decoded(arguments.get("channel_id"))
    return {"ok": True, "canvas_id": fresh_id("F")} if workspace.channels.find(named) else failed("channel_not_found")


def _archived(arguments: Arguments, workspace: Workspace, *, archived: bool) -> Answer:
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if channel.id == "C0GENERAL":
        return failed("cant_archive_general" if archived else "not_archived")
    if channel.is_dm:
        return failed("method_not_supported_for_channel_type")
    if channel.is_archived == archived:
        return failed("already_archived" if archived else "not_archived")
    channel.is_archived = archived
    return {"ok": True}


def _wrong_name(name: str, workspace: Workspace) -> str | None:
    if not name:
        return "invalid_name_required"
    if not _NAME.fullmatch(name):
        return "invalid_name_maxlength" if len(name) > 80 else "invalid_name_specials"
    return "name_taken" if workspace.channels.by_name(name) else None


def _type(channel: Channel) -> str:
    if channel.is_dm:
        return "im"
    if channel.name.startswith("mpdm-"):
        return "mpim"
    return "private_channel" if channel.is_private else "public_channel"


METHODS: dict[str, Answering] = {
    "conversations.info": info,
    "conversations.list": conversations,
    "conversations.create": create,
    "conversations.open": open_conversation,
    "conversations.rename": rename,
    "conversations.setTopic": set_topic,
    "conversations.setPurpose": set_purpose,
    "conversations.archive": archive,
    "conversations.unarchive": unarchive,
    "conversations.mark": touch,
    "conversations.close": touch,
    "conversations.canvases.create": make_canvas,
}
