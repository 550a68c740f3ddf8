"""Authorization with one token: `auth.test` once, and a refusal that is an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from app.bolt import slack_error
from app.errors import NotAuthorizedError


class Authorization(AsyncSingleTeamAuthorization):
    """Bolt's, but deliveries that come together ask once, and a failure is an attempt instead of a 200 with excuses."""

    def __init__(self) -> None:
        super().__init__()
        self._asking: asyncio.Task[AsyncSlackResponse] | None = None

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt passes it by this name
    ) -> BoltResponse:
        """Bolt's own hook."""
        if self.auth_test_result is None and req.body.get("type") not in ("ssl_check", "url_verification"):
            try:
                self.auth_test_result = await self._ask(req.context.client)
            except SlackApiError as error:
                word = slack_error.word(error)
                if word is None or slack_error.status(error) != 200:  # busy or down: that says nothing of our token
                    raise
                raise NotAuthorizedError(f"auth.test answered {word}: look at SLACK_BOT_TOKEN") from error
        return await super().async_process(req=req, resp=resp, next=next)

    async def _ask(self, client: AsyncWebClient) -> AsyncSlackResponse:
        """The answer of the call that is under way, also when it fails: in a line, each would wait for all before it.

        Shielded: whoever stops waiting, because Slack's time is over, does not take the answer from the others.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(client.auth_test(), name="auth.test")
        return await asyncio.shield(self._asking)
