"""The people and the conversations of the made-up workspace."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Arguments, failed, page
from anchorbolt.emulator.messages import Messages
from anchorbolt.emulator.scene import BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID

_LIMIT = 100


def auth_test(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Tells whom the token belongs to: the bot of the made-up workspace."""
    return {
        "ok": True,
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": "Anchor Works",
        "user": "anchorbolt",
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def user_info(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """A user of the made-up workspace."""
    name = str(arguments.get("user", "U0ADA")).lower()
    profile = {"real_name": name.title(), "display_name": name, "email": f"{name}@example.com"}
    user = {"id": arguments.get("user", "U0ADA"), "team_id": TEAM_ID, "name": name, "real_name": name.title()}
    return {"ok": True, "user": user | {"deleted": False, "is_bot": False, "tz": "Etc/UTC", "profile": profile}}


def open_conversation(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Opens the direct messages with a user: always the same channel for the same user."""
    users = str(arguments.get("users") or "")
    channel = arguments.get("channel") or (f"D{users.split(',', maxsplit=1)[0][1:]}" if users else None)
    return {"ok": True, "channel": {"id": channel, "is_im": True}} if channel else failed("users_list_not_supplied")


def conversation_info(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """A public channel of the made-up workspace."""
    channel = {"id": arguments.get("channel", ""), "name": "general", "is_channel": True, "is_member": True}
    return {"ok": True, "channel": channel | {"is_private": False, "is_archived": False, "is_im": False}}


def history(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """The messages of a channel, the newest first."""
    return page("messages", messages.history(arguments.get("channel", ""), _limit(arguments)))


def replies(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """The messages of a thread, the oldest first."""
    found = messages.thread(arguments.get("channel", ""), arguments.get("ts", ""), _limit(arguments))
    return page("messages", found)


def members(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """The members of a channel."""
    return page("members", [BOT_USER_ID, "U0ADA", "U0GRACE"])


def conversations(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """The channels of the made-up workspace."""
    return page("channels", [conversation_info({"channel": "C0GENERAL"}, messages, now)["channel"]])


def _limit(arguments: Arguments) -> int:
    limit = str(arguments.get("limit") or _LIMIT)
    return int(limit) if limit.isdecimal() else _LIMIT
