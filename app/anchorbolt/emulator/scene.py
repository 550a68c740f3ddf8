"""The made-up workspace: the users and channels that the samples name and the Web API knows."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

EMULATOR_URL = "http://127.0.0.1:3002/"

TEAM_ID = "T0ANCH0R"
TEAM_DOMAIN = "anchor-works"
APP_ID = "A0ANCH0R"
BOT_ID = "B0ANCH0R"
BOT_USER_ID = "U0ANCHBOT"

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_TRIGGER_SECONDS = 3
_TEAM_NUMBER = "4300100200"


@dataclass(frozen=True, slots=True)
class Scene:
    """The users, channels and ids that a sample is made with.

    `slack_url` is the emulator's address, where a payload's `response_url` points. `text` replaces the text of the
    sample's user, `thread_ts` puts a message into a thread, and `clock` returns seconds since 1970.
    """

    slack_url: str = EMULATOR_URL
    app_id: str = APP_ID
    team_id: str = TEAM_ID
    user_id: str = "U0ADA"
    approver_id: str = "U0GRACE"
    bot_user_id: str = BOT_USER_ID
    channel_id: str = "C0GENERAL"
    dm_id: str = "D0ADA"
    text: str | None = None
    thread_ts: str | None = None
    clock: Callable[[], float] = time.time


def fresh_id(prefix: str) -> str:
    """A new id in the form that Slack gives them: `Ev0...`, `Fx0...`."""
    return f"{prefix}0{''.join(secrets.choice(_ALPHABET) for _ in range(12))}"


def fresh_ts(now: float) -> str:
    """A new `ts` of a message: seconds since 1970, a point, and six random digits that make it unique."""
    return f"{int(now)}.{secrets.randbelow(1_000_000):06d}"


def fresh_trigger_id(now: float) -> str:
    """A new `trigger_id`. Its first part is milliseconds since 1970, so that the emulator knows its age."""
    return f"{int(now * 1000)}.{_TEAM_NUMBER}.{secrets.token_hex(16)}"


def is_ours(trigger_id: str) -> bool:
    """Whether the emulator made a `trigger_id`."""
    return trigger_id.partition(".")[2].startswith(_TEAM_NUMBER)


def is_expired(trigger_id: str, now: float) -> bool:
    """Whether a `trigger_id` is older than the 3 s for which Slack accepts it; False for one that we did not make."""
    given_ms, _, rest = trigger_id.partition(".")
    if not rest.startswith(_TEAM_NUMBER) or not given_ms.isdecimal():
        return False
    return now - int(given_ms) / 1000 > _TRIGGER_SECONDS
