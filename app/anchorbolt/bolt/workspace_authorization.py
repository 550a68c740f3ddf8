"""Authorization with the tokens of the workspace that a delivery belongs to (docs/decisions/0095).

`auth.test` is not asked: what it would say was stored when the app was installed. A failure is a failed attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.middleware.authorization.async_multi_teams_authorization import AsyncMultiTeamsAuthorization
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.authorization import goes_without
from anchorbolt.bolt.event_authorizations import authorizations_of
from anchorbolt.bolt.no_installation import NoInstallation, workspace_of
from anchorbolt.bolt.run import RUN
from anchorbolt.errors import NotAuthorizedError, TokenKeyError
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.workspaces.installation import Installation, UserToken
from anchorbolt.workspaces.installation_cache import InstallationCache
from anchorbolt.workspaces.token_holder import refuse_without_key

log = get_logger("bolt")

WHY_GONE = "user_token_gone"  # in the context of a request


class FreshTokens(Protocol):
    """Interface that authorization needs from the rotation of tokens."""

    async def fresh(self, installation: Installation) -> Installation:
        """Returns the installation with a bot's token that is valid now.

        Raises NotAuthorizedError, or an error after which there is another attempt.
        """

    async def fresh_user(self, user_token: UserToken) -> UserToken:
        """Returns a user's token that is valid now. Raises as `fresh` does."""


Leave = Callable[[Mapping[str, Any]], Awaitable[None]]


class WorkspaceAuthorization(AsyncMultiTeamsAuthorization):
    """Replaces Bolt's middleware, which asks `auth.test` for each request and answers 200 where that fails."""

    def __init__(self, cache: InstallationCache, tokens: FreshTokens, leave: Leave, *, install_url: str) -> None:
        """`leave`: removes what an event of a workspace that left names. `install_url`: what users are told to open."""
        super().__init__(authorize=_Never())
        self._cache = cache
        self._tokens = tokens
        self._leave = leave
        self._not_installed = NoInstallation(
            "not_installed", f"This app is not installed in this workspace. Install it here: {install_url}"
        )

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt passes it by this name
    ) -> BoltResponse:
        """Finds the tokens of the workspace that a request is for, before its listeners run, and then runs `next`.

        Without an installation nothing runs, and a user is told so. Raises NotAuthorizedError if the app has to be
        installed again, and what a refresh of the tokens raises.
        """
        if goes_without(req):
            await self._leave(req.body)  # before the listeners: it must not hang on them
            return await super().async_process(req=req, resp=resp, next=next)
        found, granted_in = await self._find(req)
        refuse_without_key(found)
        if found is not None and found.bot is not None:
            found = await self._tokens.fresh(found)  # before the user's, whose refresh may fail
        user = None
        if found is not None and granted_in is not None and granted_in.has_users:
            user = await self._user_of(granted_in.workspace, req, has_bot=found.bot is not None)
        if found is None or (found.bot is None and user is None and not found.reason):
            return await self._refuse(req)
        token = found.bot or (user.token if user is not None else None)
        if token is None:
            raise NotAuthorizedError(f"the app must be installed again in {found.workspace}: {found.reason}")
        req.context[RUN].one_of_many = True
        req.context.set_authorize_result(_result(req, found, user))
        req.context["token"] = req.context.client.token = token.access
        return await next()

    async def _find(self, req: AsyncBoltRequest) -> tuple[Installation | None, Installation | None]:
        """Returns the installation that a request is for, and the one that its user may have granted scopes to.

        They differ where users of a workspace have granted scopes, and the bot is that of its organization.
        """
        names = candidates(req)
        found = await self._cache.find(names)
        while found is not None and _is_elses(found, req):
            found = await self._cache.find(names := names[names.index(found.workspace) + 1 :])
        if found is None or found.bot is not None or found.reason:
            return found, found
        rest = names[names.index(found.workspace) + 1 :]
        of_bot = await self._cache.find(rest) if rest else None
        return (of_bot if of_bot is not None and (of_bot.bot is not None or of_bot.reason) else found), found

    async def _user_of(self, workspace: str, req: AsyncBoltRequest, *, has_bot: bool) -> UserToken | None:
        """The token of the user who acted, if that user has granted one that works.

        Without it the bot's goes on: a user's token that is gone is no reason to run nothing for that user. The
        listener is told why by `context["user_token_gone"]`: somebody who has granted scopes relies on them.
        """
        if (user_id := req.context.user_id) is None:
            return None
        user = await self._cache.find_user(workspace, user_id)
        try:
            return await self._tokens.fresh_user(user) if user is not None else None
        except NotAuthorizedError as error:
            if not has_bot or isinstance(error, TokenKeyError):  # a process with the key acts for that user
                raise
            req.context[WHY_GONE] = str(error)
            log.debug("the token of a user is gone: the bot's acts", workspace=workspace, user=user_id)
            return None

    async def _refuse(self, req: AsyncBoltRequest) -> BoltResponse:
        if self._not_installed.is_first(req):
            log.warning(
                "a workspace without an installation sends to this app: nothing runs for it",
                team_id=workspace_of(req),
                advice="install the app there with the button on /slack/install; `anchorbolt workspaces list` has all",
            )
        return await self._not_installed.answer(req)


def candidates(req: AsyncBoltRequest) -> list[str]:
    """Returns the ids under which the installation may be found that a request is for, the best first.

    A workspace's own installation comes before that of its organization. An event names the installations that it is
    for. Of anything else Bolt's extractors say the workspace; a message that was clicked on in another workspace names
    its own.
    """
    body = req.body
    named = authorizations_of(body)
    if named is not None:
        found = [id_ for one in named for id_ in _of_authorization(one, body)]
    else:
        message = body.get("message")
        posted_in = message.get("team") if isinstance(message, Mapping) else None
        found = [req.context.team_id, req.context.enterprise_id, posted_in]
    return list(dict.fromkeys(id_ for id_ in found if isinstance(id_, str) and id_))


def _is_elses(found: Installation, req: AsyncBoltRequest) -> bool:
    """Whether it is the installation of somebody else, who acted in a channel that is shared by Slack Connect.

    Where somebody clicks on what an org-wide app has posted, Slack names its organization, and as the workspace only
    that of the user, who may be of another organization that has installed the app too.
    """
    if req.body.get("type") == "event_callback" or not req.context.is_enterprise_install or found.org_wide:
        return False
    return req.context.enterprise_id is not None and found.enterprise_id != req.context.enterprise_id


def _of_authorization(one: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Any, ...]:
    team_id, enterprise_id = one.get("team_id"), one.get("enterprise_id")
    if team_id is None and enterprise_id is not None:  # org-wide: of which workspace of the organization is it?
        if body.get("context_enterprise_id") == enterprise_id:
            team_id = body.get("context_team_id")
        elif body.get("enterprise_id") == enterprise_id:
            team_id = body.get("team_id")
    return team_id, enterprise_id


def _result(req: AsyncBoltRequest, found: Installation, user: UserToken | None) -> AuthorizeResult:
    return AuthorizeResult(
        # Where the token is valid, as `auth.test` would say it. In a shared channel the request may name another.
        enterprise_id=found.enterprise_id or (req.context.enterprise_id if found.org_wide else None),
        team_id=req.context.team_id if found.org_wide else found.workspace,
        team=found.name,
        bot_id=found.bot_id,
        bot_user_id=found.bot_user_id,
        bot_token=found.bot.access if found.bot is not None else None,
        bot_scopes=found.scopes,
        user_id=req.context.user_id,
        user_token=user.access if user is not None else None,
        user_scopes=user.scopes if user is not None else None,
    )


class _Never(AsyncAuthorize):
    """The authorize function that Bolt's class has to be given. It is never called."""

    def __init__(self) -> None: ...
