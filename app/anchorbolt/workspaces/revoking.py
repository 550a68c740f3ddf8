"""Revokes tokens at Slack, one at a time, and says what Slack answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes a quarter of a second, and only who revokes needs it
    from slack_sdk.web.async_client import AsyncWebClient

# Slack's words for a token that is worth nothing any more: there is nothing to revoke.
WORTHLESS = ("token_revoked", "token_expired", "invalid_auth", "account_inactive")


@dataclass(frozen=True, slots=True)
class Revocation:
    """What came of it. `is_over`: the token is worth nothing now. `said`: in words."""

    is_over: bool
    said: str


async def revoke(client: AsyncWebClient, token: str) -> Revocation:
    """Asks Slack to revoke a token (`auth.revoke`). Raises nothing that Slack or the way to it can cause."""
    import aiohttp  # noqa: PLC0415 - as above
    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415 - as above

    from anchorbolt.workspaces.oauth_client import word_of  # noqa: PLC0415 - as above

    try:
        answer = await client.auth_revoke(token=token)
    except SlackApiError as error:
        word = word_of(error) or f"status {error.response.status_code}"
        if word in WORTHLESS:
            return Revocation(True, f"was worth nothing any more ({word})")
        return Revocation(False, f"not revoked: Slack says {word}")
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError, ValueError) as error:
        return Revocation(False, f"not revoked: Slack did not answer ({type(error).__name__})")
    if not answer.get("revoked"):
        return Revocation(False, "not revoked: Slack says that it did nothing")
    return Revocation(True, "revoked")
