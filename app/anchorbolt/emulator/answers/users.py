"""The methods about users: users.*, dnd.info."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed, flag, missing, page
from anchorbolt.emulator.scene import BOT_USER_ID
from anchorbolt.emulator.state.workspace import Workspace


def user_info(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """A user of the made-up workspace."""
    user = workspace.users.find(arguments.get("user"))
    return {"ok": True, "user": user} if user else failed("user_not_found")


def users(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The users that are known so far, the bot among them."""
    return page("members", workspace.users.all(), arguments) | {"cache_ts": int(now)}


def by_email(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The user with an e-mail address."""
    user = workspace.users.by_email(str(arguments.get("email") or ""))
    return {"ok": True, "user": user} if user else failed("users_not_found")


def profile(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The profile of a user, or of the bot."""
    user = workspace.users.find(arguments.get("user") or BOT_USER_ID)
    return {"ok": True, "profile": user["profile"]} if user else failed("user_not_found")


def set_profile(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Changes the profile of a user, or of the bot: one field, or several."""
    changes = decoded(arguments.get("profile"))
    if arguments.get("name"):
        changes = {str(arguments["name"]): arguments.get("value", "")}
    if not isinstance(changes, dict):
        return failed("invalid_profile")
    user = workspace.users.change_profile(str(arguments.get("user") or BOT_USER_ID), changes)
    return {"ok": True, "username": user["name"], "profile": user["profile"]} if user else failed("user_not_found")


def presence(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Whether a user is there: everybody is."""
    told = {"presence": "active", "online": True, "auto_away": False, "manual_away": False}
    return {"ok": True} | told | {"connection_count": 1, "last_activity": int(now)}


def set_presence(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Sets whether the bot is there."""
    return {"ok": True} if arguments.get("presence") in ("auto", "away") else failed("invalid_presence")


def channels_of(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The channels that a user, or the bot, is a member of."""
    user = str(arguments.get("user") or BOT_USER_ID)
    archived = not flag(arguments, "exclude_archived")
    found = [
        c for c in workspace.channels.all() if user in c.members and not c.is_dm and (archived or not c.is_archived)
    ]
    return page("channels", [channel.public() for channel in found], arguments)


def do_not_disturb(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Whether a user does not want to be disturbed: nobody minds."""
    return {"ok": True, "dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1, "snooze_enabled": False}


def team_do_not_disturb(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Whether several users do not want to be disturbed."""
    told = {"dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1}
    named = [user for user in str(arguments.get("users") or "").split(",") if user]
    return missing(arguments, "users") or {"ok": True, "users": dict.fromkeys(named, told)}


METHODS: dict[str, Answering] = {
    "users.info": user_info,
    "users.list": users,
    "users.lookupByEmail": by_email,
    "users.profile.get": profile,
    "users.profile.set": set_profile,
    "users.getPresence": presence,
    "users.setPresence": set_presence,
    "users.conversations": channels_of,
    "dnd.info": do_not_disturb,
    "dnd.teamInfo": team_do_not_disturb,
}
