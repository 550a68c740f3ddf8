"""The methods about who is in a channel: conversations.join, .leave, .invite, .kick and .members."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, flag, listed, page
from anchorbolt.emulator.scene import BOT_USER_ID
from anchorbolt.emulator.state.channels import Channel
from anchorbolt.emulator.state.workspace import Workspace


def members(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The members of a channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    return page("members", channel.members, arguments) if channel else failed("channel_not_found")


def join(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes the bot a member of a public channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if channel.is_dm or channel.is_private:
        return failed("method_not_supported_for_channel_type")
    if channel.is_archived:
        return failed("is_archived")
    if BOT_USER_ID in channel.members:
        warned = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        return {"ok": True, "channel": channel.public()} | warned
    channel.members.append(BOT_USER_ID)
    return {"ok": True, "channel": channel.public()}


def leave(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Takes the bot out of a channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if channel.id == "C0GENERAL":
        return failed("cant_leave_general")
    if BOT_USER_ID not in channel.members:
        return {"ok": True, "not_in_channel": True}
    channel.members.remove(BOT_USER_ID)
    return {"ok": True}


def invite(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes users members of a channel: all of them, or with `force` those who can be invited."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if channel.is_archived:
        return failed("is_archived")
    if BOT_USER_ID not in channel.members:
        return failed("not_in_channel")
    users = listed(arguments.get("users"))
    if not users:
        return failed("no_user")
    wrong = {user: error for user in users if (error := _why_not(user, channel, workspace))}
    if wrong and not (flag(arguments, "force") and len(wrong) < len(users)):
        errors = [{"user": user, "ok": False, "error": error} for user, error in wrong.items()]
        return failed(next(iter(wrong.values()))) | {"errors": errors}
    channel.members.extend(dict.fromkeys(user for user in users if user not in wrong))
    return {"ok": True, "channel": channel.public()}


def kick(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Takes a user out of a channel."""
    channel, user = workspace.channels.find(arguments.get("channel")), str(arguments.get("user") or "")
    if channel is None:
        return failed("channel_not_found")
    if workspace.users.find(user) is None:
        return failed("user_not_found")
    if user == BOT_USER_ID:
        return failed("cant_kick_self")
    if channel.id == "C0GENERAL":
        return failed("cant_kick_from_general")
    if user not in channel.members:
        return failed("not_in_channel")
    channel.members.remove(user)
    return {"ok": True, "errors": {}}


def _why_not(user: str, channel: Channel, workspace: Workspace) -> str | None:
    if user == BOT_USER_ID:
        return "cant_invite_self"
    if workspace.users.find(user) is None:
        return "user_not_found"
    return "already_in_channel" if user in channel.members else None


METHODS: dict[str, Answering] = {
    "conversations.members": members,
    "conversations.join": join,
    "conversations.leave": leave,
    "conversations.invite": invite,
    "conversations.kick": kick,
}
