"""Authorization with one token: `auth.test` once, a refusal that is an error, and nothing of a foreign workspace."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.middleware.authorization.internals import _is_bot_token, _to_authorize_result, no_auth_test_events
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from anchorbolt.bolt import slack_error
from anchorbolt.bolt.foreign import Foreign, TokenScope
from anchorbolt.bolt.own_table import give_own_table
from anchorbolt.bolt.web_api.calls import OF_NO_RUN
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from anchorbolt.errors import NotAuthorizedError

NOT_AUTHORIZED = ("ssl_check", "url_verification")


class Authorization(AsyncSingleTeamAuthorization):
    """Bolt's, with three changes.

    Deliveries that arrive together share one `auth.test`. A failure is a failed attempt instead of a 200 with an error
    message. What belongs to a workspace that our token is not for is answered here and reaches no listener.
    """

    def __init__(self, foreign: Foreign) -> None:
        """`foreign`: answers what belongs to another workspace."""
        super().__init__()
        self._foreign = foreign
        self._asking: asyncio.Task[AsyncSlackResponse] | None = None
        self._bot: AuthorizeResult | None = None  # the part that is the same for every request with our token
        self._scope: TokenScope | None = None  # known once auth.test has succeeded

    def _authorize(self, req: AsyncBoltRequest) -> bool:
        """Authorizes a request with our bot token without asking Slack. False where Bolt has to do it."""
        context = req.context
        token = context["client"].token
        if self._bot is None or self._bot.bot_token != token:
            if self.auth_test_result is None or not _is_bot_token(token):
                return False
            self._bot = _to_authorize_result(self.auth_test_result, token, None)
            give_own_table(self._bot)  # each request gets a copy of it
        context.set_authorize_result(_for_user(self._bot, context.get("user_id")))
        return True

    def passes(self, req: AsyncBoltRequest) -> bool:
        """Authorizes a request, if nothing has to be awaited for it. False: nothing is done, `async_process` has to."""
        return self._scope is not None and not goes_without(req) and self._scope.covers(req) and self._authorize(req)

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt passes it by this name
    ) -> BoltResponse:
        """Authorizes a request with the bot's token, and then runs `next`; for a foreign workspace nothing more runs.

        Raises NotAuthorizedError if Slack refuses the token, and SlackApiError if `auth.test` fails for another reason.
        """
        if goes_without(req):  # Bolt knows what these need, and asks Slack nothing
            return await super().async_process(req=req, resp=resp, next=next)
        if self.auth_test_result is None:
            try:
                self.auth_test_result = await self._ask(req.context.client)
            except SlackApiError as error:
                word = slack_error.word(error)
                if word is None or slack_error.status(error) != 200:  # busy or down: that says nothing of our token
                    raise
                raise NotAuthorizedError(f"auth.test answered {word}: look at SLACK_BOT_TOKEN") from error
        if self._scope is None:
            self._scope = TokenScope.of(self.auth_test_result)
        if not self._scope.covers(req):
            return await self._foreign.answer(req, self._scope)
        if self._authorize(req):
            return await next()
        return await super().async_process(req=req, resp=resp, next=next)

    async def _ask(self, client: AsyncWebClient) -> AsyncSlackResponse:
        """Returns the answer of the one call that is under way, or raises its error, for all that wait for it.

        It is shielded: a request whose time is over stops waiting without cancelling the call for the others.
        """
        if self._asking is None or self._asking.done():
            client = copy.copy(client)
            if isinstance(client, WatchedClient):
                client.calls = OF_NO_RUN  # it must not be reset with the run that happens to ask first
            self._asking = asyncio.create_task(client.auth_test(), name="auth.test")
        return await asyncio.shield(self._asking)


def goes_without(req: AsyncBoltRequest) -> bool:
    """Whether a request needs no `auth.test`: after `app_uninstalled` and `tokens_revoked` our token may be dead."""
    kind = req.body.get("type")
    if kind == "event_callback":
        return req.body["event"].get("type") in no_auth_test_events
    return kind in NOT_AUTHORIZED


def _for_user(bot: AuthorizeResult, user_id: str | None) -> AuthorizeResult:
    """A copy for one request, which a listener may change."""
    mine = AuthorizeResult.__new__(AuthorizeResult)
    mine.update(bot)
    mine.__dict__ = bot.__dict__.copy()
    mine["user_id"] = mine.user_id = user_id
    return mine
