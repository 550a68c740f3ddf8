"""Asks Slack for a new token in the place of one that expires, and sorts what comes back.

https://docs.slack.dev/authentication/using-token-rotation: the refresh token is revoked by the call, and a new one
comes with the new token. So an answer that was lost may have taken the only refresh token with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt.workspaces.installation import Token
from anchorbolt.workspaces.lifetime import lifetime

# Slack's words for a refresh token that is good for nothing any more: used, revoked, or of an app that was removed.
# `invalid_refresh_token` is what Slack says; the others are its words for a token whose authorization is gone, and the
# word of OAuth's own standard (RFC 6749, 5.2).
NOT_VALID = frozenset({
    "invalid_refresh_token", "invalid_grant", "token_expired", "token_revoked", "account_inactive",
    "authorization_not_found",
})  # fmt: skip
RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})

CALL_SECONDS = 10.0
# When to try again: a Slack that is down; a word that another try will hardly mend, such as `bad_client_secret`.
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


Answer = New | NotValid | Later | Lost


@dataclass(slots=True)
class TokenRequests:
    """The calls, for one app.

    Args:
        session: returns the HTTP session of the process.
        api_url: of the Web API, with a slash at the end.
        client_id: of the app.
        client_secret: of the app.
        clock: monotonic, in seconds.
        wall_clock: in seconds since 1970.
    """

    session: Callable[[], aiohttp.ClientSession]
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    _limited_until: float = float("-inf")

    @property
    def is_limited(self) -> bool:
        """Whether Slack has told us to wait, and that time is not over."""
        return self.clock() < self._limited_until

    async def refresh(self, refresh_token: str, kind: str) -> Answer:
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
                answer = await self.client().oauth_v2_access(
                    client_id=self.client_id,
                    client_secret=self.client_secret,
                    grant_type="refresh_token",
                    refresh_token=refresh_token,
                )
        except SlackApiError as error:
            return self._refused(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # a TimeoutError is an OSError
            return Lost(type(error).__name__)
        return _read(answer.data, kind, asked_at)

    def client(self) -> AsyncWebClient:
        """Returns a client without a token. It sends nothing twice by itself: that is for us to decide."""
        return AsyncWebClient(base_url=self.api_url, session=self.session(), retry_handlers=[])

    def _refused(self, error: SlackApiError) -> Answer:
        answer: Any = error.response
        data = getattr(answer, "data", answer)
        said = data.get("error") if isinstance(data, Mapping) else None
        word = said if isinstance(said, str) else None
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
        return Later(word, DOWN_SECONDS if status >= 500 or word in _DOWN else REFUSED_SECONDS)


_DOWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})


def _read(data: Any, kind: str, asked_at: float) -> Answer:
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
