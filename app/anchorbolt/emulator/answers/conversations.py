"""The methods that find and make channels: conversations.list, .create, .open and more."""

from __future__ import annotations

import re

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed, flag, listed, page
from anchorbolt.emulator.scene import BOT_USER_ID, fresh_id
from anchorbolt.emulator.state.channels import Channel
from anchorbolt.emulator.state.workspace import Workspace

_NAME = re.compile(r"[^\sA-Z.,!?@#:;/\\()'\"]{1,80}")
_MANY = 8


def info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """A channel: `conversations.info`."""
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
    wrong = wrong_name(name, workspace)
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


def wrong_name(name: str, workspace: Workspace) -> str | None:
    """Slack's word for a name that a channel cannot have, or None for one that it can have."""
    if not name:
        return "invalid_name_required"
    if not _NAME.fullmatch(name):
        return "invalid_name_maxlength" if len(name) > 80 else "invalid_name_specials"
    return "name_taken" if workspace.channels.by_name(name) else None


def make_canvas(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes the canvas of a channel, which the emulator does not keep."""
    named = decoded(arguments.get("channel_id"))
    return {"ok": True, "canvas_id": fresh_id("F")} if workspace.channels.find(named) else failed("channel_not_found")


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
    "conversations.canvases.create": make_canvas,
}
