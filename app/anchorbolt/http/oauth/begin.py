"""GET /slack/install: the page with the button, and where the button leads."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urljoin

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anchorbolt.http.oauth.cookies import Cookies
from anchorbolt.http.oauth.page import Page, PageSlots
from anchorbolt.http.oauth.pages import HEADERS, Pages
from anchorbolt.rate import Rate
from anchorbolt.workspaces.oauth_states import OAuthStates

# Each is a row for ten minutes, and anybody can ask for one.
MOST_A_SECOND = 20


class BeginPage(Page):
    """`?direct=1` begins an installation: a state, its cookie, and a redirect to Slack, and to nowhere else."""

    def __init__(  # noqa: PLR0917 - the parts of a page
        self,
        pages: Pages,
        slots: PageSlots,
        states: OAuthStates,
        cookies: Cookies,
        authorize_url: str,
        asks: dict[str, str],
    ) -> None:
        """`authorize_url`: Slack's page. `asks`: what it is told but the state: the client's id, scopes and so on."""
        super().__init__(pages, slots)
        self._states = states
        self._cookies = cookies
        self._authorize_url = authorize_url
        self._asks = asks
        self._rate = Rate(MOST_A_SECOND)

    async def answer(self, request: Request) -> Response:
        """Without `direct` nothing is stored: robots and previews of links open this page too."""
        if request.query_params.get("direct") != "1":
            return self.pages.page("install")
        if not self._rate.take(time.monotonic()):
            return self.busy()
        begun = await self._states.begin()
        query = urlencode(self._asks | {"state": begun.state})
        response = RedirectResponse(f"{self._authorize_url}?{query}", 302, HEADERS)
        self._cookies.set(response, begun, request)
        return response


def authorize_url(api_url: str) -> str:
    """Slack's page for an installation, which is beside its Web API: `https://slack.com/oauth/v2/authorize`."""
    return urljoin(api_url, "../oauth/v2/authorize")
