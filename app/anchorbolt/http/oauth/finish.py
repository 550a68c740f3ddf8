"""GET /slack/oauth_redirect: where Slack sends the browser back, with a code or an error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from anchorbolt.errors import NotInstalledError
from anchorbolt.http.oauth.cookies import Cookies
from anchorbolt.http.oauth.page import Page, PageSlots
from anchorbolt.http.oauth.pages import Pages
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.workspaces.install import Install, Installed
from anchorbolt.workspaces.oauth_states import OAuthStates

log = get_logger("oauth")

CANCELLED = "access_denied"
# The form of Slack's words; anybody can put another text into an address.
_WORD = re.compile(r"[a-z_]{1,40}")


class FinishPage(Page):
    """Redeems the state, installs, and says what happened and what to do next."""

    def __init__(
        self,
        pages: Pages,
        slots: PageSlots,
        states: OAuthStates,
        cookies: Cookies,
        install: Install,
        *,
        scopes: Sequence[str],
        user_scopes: Sequence[str],
        without_state: bool,
    ) -> None:
        """`scopes`, `user_scopes`: asked for. `without_state`: also take what began on a page of Slack's."""
        super().__init__(pages, slots)
        self._states = states
        self._cookies = cookies
        self._install = install
        self._scopes = scopes
        self._user_scopes = user_scopes
        self._without_state = without_state

    async def answer(self, request: Request) -> Response:
        """Returns the page that says what happened, and removes the state's cookie in any case."""
        state = request.query_params.get("state", "")
        response = await self._outcome(request, state)
        if state:
            self._cookies.drop(response, state)
        return response

    async def _outcome(self, request: Request, state: str) -> Response:
        given = request.query_params
        if error := given.get("error"):
            if error == CANCELLED:
                log.info("an installation was cancelled")
                return self.pages.page("cancelled")
            return self._failed(error if _WORD.fullmatch(error) else "unreadable")
        code = given.get("code", "")
        if not code or not (state or self._without_state):
            log.warning("an installation was refused", reason="no code" if not code else "no state")
            return self.pages.page("refused" if not code else "started_in_slack", 400)
        if state and (reason := await self._refuses(request, state)):
            log.warning("an installation was refused", reason=reason)
            return self.pages.page("refused", 400)
        try:
            installed = await self._install(code)
        except NotInstalledError as failed:
            return self._failed(failed.word, str(failed))
        return self._installed(installed)

    async def _refuses(self, request: Request, state: str) -> str | None:
        """Why a state is not taken, if it is not. It is used up only by the browser that began it."""
        cookie = self._cookies.find(request, state)
        if cookie is None:
            return "not the browser that began it, or ten minutes are over"
        return None if await self._states.redeem(state, cookie) else "used, or ten minutes are over"

    def _failed(self, word: str, error: str | None = None) -> Response:
        # Without an error of ours it is what stands in the address, which anybody can open.
        (log.warning if error is None else log.error)("an installation failed", word=word, error=error)
        return self.pages.page("failed", 502, word=word)

    def _installed(self, installed: Installed) -> Response:
        one = installed.installation
        log.info(
            "installed",
            workspace=one.workspace,
            org_wide=one.org_wide,
            installed_by=one.installed_by,
            scopes=",".join(one.scopes),
            user_scopes=",".join(installed.user_scopes),
        )
        granted = {*one.scopes, *installed.user_scopes}
        return self.pages.page(
            "installed",
            name=one.name or one.workspace,
            org_wide=one.org_wide,
            scopes=one.scopes,
            user_scopes=installed.user_scopes,
            not_granted=[scope for scope in (*self._scopes, *self._user_scopes) if scope not in granted],
            open_url=f"https://app.slack.com/client/{one.workspace}",
            add_url=_add_url(installed),
        )


def _add_url(installed: Installed) -> str | None:
    """The page of the organization on which an app is added to its workspaces, as slack_sdk names it."""
    if not installed.app_id or not installed.url or not installed.url.startswith("https://"):
        return None
    return f"{installed.url.rstrip('/')}/manage/organization/apps/profile/{installed.app_id}/workspaces/add"
