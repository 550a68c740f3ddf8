"""The app's own client of the Web API: it asks Slack for tokens, and has no workspace's token itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt.settings.model import Settings


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The client, and what it identifies itself by.

    Args:
        session: returns the HTTP session of the process, once it is open.
        api_url: of the Web API, with a slash at the end.
        client_id: of the app.
        client_secret: of the app.
    """

    session: Callable[[], aiohttp.ClientSession]
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, session: Callable[[], aiohttp.ClientSession]) -> OAuthClient:
        """Returns the client of the app that the settings name."""
        secret = settings.slack_client_secret
        return cls(
            session,
            settings.slack_api_url,
            settings.slack_client_id or "",
            secret.get_secret_value() if secret is not None else "",
        )

    def web(self) -> AsyncWebClient:
        """Returns a client without a token. It sends nothing twice by itself: that is for us to decide."""
        return AsyncWebClient(base_url=self.api_url, session=self.session(), retry_handlers=[])

    async def access(self, **arguments: str) -> Any:
        """Calls `oauth.v2.access` with a code or a refresh token. Returns and raises as slack_sdk does."""
        return await self.web().oauth_v2_access(client_id=self.client_id, client_secret=self.client_secret, **arguments)


def word_of(error: SlackApiError) -> str | None:
    """Returns Slack's own word for why it refused a call; None where its answer has none."""
    answer: Any = error.response
    data = getattr(answer, "data", answer)
    said = data.get("error") if isinstance(data, Mapping) else None
    return said if isinstance(said, str) else None
