"""Who and where: the made-up workspace that samples are about and that the Web API answers for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

STAND_IN_URL = "http://127.0.0.1:3002/"

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
    """The people and places of one sample; replace a field to move it elsewhere.

    `slack_url` is where a payload's `response_url` points: the stand-in. `text` replaces what the user of the sample
    wrote, `thread_ts` puts a message into a thread. `clock` gives seconds since 1970.
    """

    slack_url: str = STAND_IN_URL
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
    """An id as Slack makes them, never given before: `Ev0...`, `Fx0...`."""
    return f"{prefix}0{''.join(secrets.choice(_ALPHABET) for _ in range(12))}"


def fresh_ts(now: float) -> str:
    """A message's `ts`: seconds, a point, and six digits that make it the only one."""
    return f"{int(now)}.{secrets.randbelow(1_000_000):06d}"


def fresh_trigger_id(now: float) -> str:
    """A `trigger_id` that tells the stand-in when it was given: its first part is milliseconds since 1970."""
    return f"{int(now * 1000)}.{_TEAM_NUMBER}.{secrets.token_hex(16)}"


def is_expired(trigger_id: str, now: float) -> bool:
    """Whether a `trigger_id` of ours is older than the 3 s that Slack honours it; a stranger's never is."""
    given_ms, _, rest = trigger_id.partition(".")
    if not rest.startswith(_TEAM_NUMBER) or not given_ms.isdecimal():
        return False
    return now - int(given_ms) / 1000 > _TRIGGER_SECONDS
