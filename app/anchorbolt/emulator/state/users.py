"""The users of the made-up workspace: Ada, Grace, the bot, and whoever else a payload names."""

from __future__ import annotations

import re
from typing import Any

from anchorbolt.emulator.scene import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID
from anchorbolt.emulator.state.bounded import Bounded

User = dict[str, Any]

_ID = re.compile(r"[UW][A-Z0-9]+")
_UPDATED = 1_700_000_000


class Users:
    """The users. Every id that looks like one of Slack's names a user, because payloads may hold any."""

    def __init__(self) -> None:
        self._users: Bounded[str, User] = Bounded()
        self._users[BOT_USER_ID] = _made(BOT_USER_ID, "anchorbolt", "Anchorbolt", is_bot=True)
        self._users["U0ADA"] = _made("U0ADA", "ada", "Ada Lovelace")
        self._users["U0GRACE"] = _made("U0GRACE", "grace", "Grace Hopper")
        self._users["USLACKBOT"] = _made("USLACKBOT", "slackbot", "Slackbot")

    def find(self, user_id: object) -> User | None:
        """The user with an id; a new user where nobody has it, and None for what is no id."""
        text = str(user_id or "")
        found = self._users.get(text)
        if found is None and _ID.fullmatch(text):
            found = self._users[text] = _made(text, text.lower(), text.title())
        return found

    def by_email(self, email: str) -> User | None:
        """The user with this e-mail address, among those that are known so far, or None."""
        return next((user for user in self._users.values() if user["profile"].get("email") == email), None)

    def all(self) -> list[User]:
        """All users that are known so far."""
        return list(self._users.values())

    def change_profile(self, user_id: str, changes: dict[str, Any]) -> User | None:
        """Changes fields of a user's profile. Returns the user, or None for what is no id."""
        user = self.find(user_id)
        if user is not None:
            user = self._users[user_id] = user | {"profile": user["profile"] | changes}
        return user


def _made(user_id: str, name: str, real_name: str, *, is_bot: bool = False) -> User:
    first, _, last = real_name.partition(" ")
    profile: dict[str, Any] = {
        "real_name": real_name,
        "real_name_normalized": real_name,
        "display_name": name,
        "title": "",
    }
    profile |= {"display_name_normalized": name, "first_name": first, "last_name": last, "team": TEAM_ID}
    profile |= {"status_text": "", "status_emoji": "", "status_expiration": 0, "avatar_hash": "", "phone": ""}
    profile |= {f"image_{size}": f"https://avatars.example.com/{name}_{size}.png" for size in (24, 48, 72, 192, 512)}
    profile |= {"api_app_id": APP_ID, "bot_id": BOT_ID} if is_bot else {"email": f"{name}@example.com"}
    user = {"id": user_id, "team_id": TEAM_ID, "name": name, "real_name": real_name, "deleted": False}
    user |= {"tz": "Etc/UTC", "tz_label": "Coordinated Universal Time", "tz_offset": 0, "updated": _UPDATED}
    user |= {"is_bot": is_bot, "is_app_user": False, "is_admin": user_id == "U0ADA", "is_owner": user_id == "U0ADA"}
    user |= {"is_primary_owner": user_id == "U0ADA", "is_restricted": False, "is_ultra_restricted": False}
    return user | {"color": "9f69e7", "is_email_confirmed": not is_bot, "locale": "en-US", "profile": profile}
