"""Asks Slack for a new token in the place of one that expires, and sorts what comes back.

https://docs.slack.dev/authentication/using-token-rotation: the refresh token is revoked by the call, and a new one
comes with the new token. So an answer that was lost may have taken the only refresh token with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from anchorbolt.workspaces.installation import Token
from anchorbolt.workspaces.lifetime import lifetime
from anchorbolt.workspaces.oauth_client import OAuthClient, word_of

# Slack's words for a refresh token that is good for nothing any more: used, revoked, or of an app that was removed.
# `invalid_refresh_token` is what Slack says; the others are its words for a token whose authorization is gone, and the
# word of OAuth's own standard (RFC 6749, 5.2).
NOT_VALID = frozenset({
    "invalid_refresh_token", "invalid_grant", "token_expired", "token_revoked", "account_inactive",
    "authorization_not_found",
})  # fmt: skip
RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
# Slack's words for what another try soon may get past.
DOWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})

CALL_SECONDS = 10.0
# When to try again: a Slack that is down; a word that another try will hardly get past, such as `bad_client_secret`.
DOWN_SECONDS = 5.0
REFUSED_SECONDS = 60.0
RATE_LIMITED_SECONDS = 30.0  # where Slack does not say


@dataclass(frozen=True, slots=True)
class New:
    """Slack gave a new token."""

    token: Token


@dataclass(frozen=True, slots=True)
class NotValid:
    """Slack knows the refresh token no more. `word`: Slack's own."""

    word: str


@dataclass(frozen=True, slots=True)
class Later:
    """Slack is busy or down, or refuses us for another reason: the refresh token is as good as before."""

    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer that can be read: whether Slack took the refresh token is unknown."""

    why: str


Outcome = New | NotValid | Later | Lost


@dataclass(slots=True)
class TokenRequests:
    """The calls, for one app.

    Args:
        client: of the app.
        clock: monotonic, in seconds.
        wall_clock: in seconds since 1970.
    """

    client: OAuthClient
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    _limited_until: float = float("-inf")

    @property
    def is_limited(self) -> bool:
        """Whether Slack has told us to wait, and that time is not over."""
        return self.clock() < self._limited_until

    async def refresh(self, refresh_token: str, kind: str) -> Outcome:
        """Asks once. While Slack limits us, nothing is asked.

        Args:
            refresh_token: what Slack gave with the token that expires.
            kind: what the token is for: `bot` or `user`.
        """
        if (left := self._limited_until - self.clock()) > 0:
            return Later("ratelimited", left)
        asked_at = self.wall_clock()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                answer = await self.client.access(grant_type="refresh_token", refresh_token=refresh_token)
        except SlackApiError as error:
            return self._refused(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # a TimeoutError is an OSError
            return Lost(type(error).__name__)
        return _read(answer.data, kind, asked_at)

    def _refused(self, error: SlackApiError) -> Outcome:
        answer: Any = error.response
        word = word_of(error)
        status = getattr(answer, "status_code", None) or getattr(answer, "status", None) or 200
        if status == 429 or word in RATE_LIMITED:
            seconds = _retry_after(getattr(answer, "headers", None) or {})
            self._limited_until = self.clock() + seconds
            return Later("ratelimited", seconds)
        if word in NOT_VALID:
            return NotValid(word)
        if word is None:
            # The page of a proxy, or of a Slack that is down. With a 200, half of an answer.
            return Later(f"status {status}", DOWN_SECONDS) if status >= 400 else Lost("no JSON")
        return Later(word, DOWN_SECONDS if status >= 500 or word in DOWN else REFUSED_SECONDS)


def _read(data: Any, kind: str, asked_at: float) -> Outcome:
    if not isinstance(data, Mapping) or not isinstance(data.get("access_token"), str):
        return Lost("no token in the answer")
    if data.get("token_type", kind) != kind:  # it must not be stored as what it is not
        return Later("a token of another type", REFUSED_SECONDS)
    refresh = data.get("refresh_token")
    if not isinstance(refresh, str) or not refresh:
        refresh = None
    expires_in = data.get("expires_in")
    # From the moment before the call, because Slack counts from when it made the token.
    expires_at = asked_at + lifetime(expires_in) if refresh is not None or expires_in is not None else None
    return New(Token(data["access_token"], refresh, expires_at))


def _retry_after(headers: Mapping[str, Any]) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return min(max(float(value), 1.0), 600.0)
            except (TypeError, ValueError):
                break
    return RATE_LIMITED_SECONDS
