"""Which workspace and which user a token belongs to: the token itself says so, so that any number can be made up.

`xoxb-T123-anything` is the bot's token in the workspace T123, `xoxp-T123-U0ADA-anything` a user's there, and
`xoxb-E123-anything` the bot's of a whole organization. `xoxe.` may be in front of them, as Slack writes it for tokens
that expire. Any other token belongs to the made-up workspace.
"""

from __future__ import annotations

import re
import secrets

from anchorbolt.emulator.scene import BOT_USER_ID, TEAM_ID

_PLACE = re.compile(r"(?:xoxe\.)?xox(?:[bp]|e)-([TE][A-Z0-9]{2,})(?:-([UW][A-Z0-9]{2,}))?-")


def team_of(token: str) -> str:
    """The id of the workspace, or of the organization, that a token is for."""
    found = _PLACE.match(token)
    return found[1] if found else TEAM_ID


def user_of(token: str) -> str:
    """The id of the user whose token it is: the bot's, where it is none of a person's."""
    found = _PLACE.match(token)
    return (found[2] if found else None) or bot_user_of(team_of(token))


def is_shared(token: str) -> bool:
    """Whether a token names no workspace: every app of a developer may use the same one."""
    return _PLACE.match(token) is None


def bot_user_of(team: str) -> str:
    """The id of the app's bot as a user of a workspace."""
    return BOT_USER_ID if team == TEAM_ID else f"U{team[1:]}BOT"


def bot_of(team: str) -> str:
    """The id of the app's bot in a workspace."""
    return f"B{team[1:]}"


def new_bot_token(team: str, *, expires: bool = False) -> str:
    """A token of the bot that nobody had before."""
    return f"{'xoxe.' if expires else ''}xoxb-{team}-{secrets.token_hex(8)}"


def new_user_token(team: str, user: str, *, expires: bool = False) -> str:
    """Returns a new token of a user. `team` and `user`: their ids; `expires`: whether it is one that is refreshed."""
    return f"{'xoxe.' if expires else ''}xoxp-{team}-{user}-{secrets.token_hex(8)}"


def new_refresh_token(team: str, user: str | None = None) -> str:
    """What a token is refreshed with: the bot's, or a user's."""
    return f"xoxe-{team}-{f'{user}-' if user else ''}{secrets.token_hex(8)}"
