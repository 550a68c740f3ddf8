"""A request from Slack, as the rest of the app sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from anchorbolt.delivery.kinds import CONTROL, Kind

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)  # not frozen: to make such a one takes four times as long, and this is made for each request
class Delivery:
    """One request that a listener may want. Whoever received it may set `headers`; nobody changes the rest."""

    kind: Kind
    type: str  # Slack's own word: app_mention, block_actions, /deploy
    key: str
    conversation: str | None
    lane: str
    content_type: str  # JSON or FORM
    body: str = field(repr=False)  # what Slack sent
    payload: dict[str, Any] = field(repr=False)  # what the body says
    # By their names in lower case: all that Slack sent, or those that are stored (headers.py).
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    workspace: str | None = None  # in which it happened


@dataclass(frozen=True, slots=True)
class Control:
    """`url_verification`, `ssl_check` or `app_rate_limited`: answered at once, never stored."""

    kind: ClassVar[Kind] = CONTROL
    key: ClassVar[None] = None
    type: str
    payload: dict[str, Any] = field(repr=False)
