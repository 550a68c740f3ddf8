"""A request from Slack, as the rest of the app sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anchorbolt.delivery.kinds import Kind

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)  # not frozen: to make such a one takes four times as long, and this is made for each request
class Delivery:
    """One request that a listener may want; `body` is what Slack sent, `payload` what it says. Nobody changes it."""

    kind: Kind
    type: str  # Slack's own word: app_mention, block_actions, /deploy
    key: str
    conversation: str | None
    lane: str
    content_type: str  # JSON or FORM
    body: str = field(repr=False)
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Control:
    """`url_verification`, `ssl_check` or `app_rate_limited`: answered at the door, never stored."""

    type: str
    payload: dict[str, Any] = field(repr=False)
