"""The pages of a team's app that installs by OAuth on its own: Bolt's, with the stores that the app has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request import BoltRequest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

Headers = dict[str, str | Sequence[str]]


class OAuthPages:
    """Answers its two pages, `install_path` and `redirect_path`; a synchronous one in a thread."""

    def __init__(self, flow: OAuthFlow | AsyncOAuthFlow) -> None:
        """`flow`: that of a team's `App` or `AsyncApp`."""
        self._flow = flow
        self.install_path = flow.install_path
        self.redirect_path = flow.redirect_uri_path

    async def answer(self, path: str, query: str, headers: Headers) -> BoltResponse:
        """Returns Bolt's response to a GET of one of the two paths.

        Args:
            path: `install_path` or `redirect_path`.
            query: what follows the question mark in the address.
            headers: of the request; Bolt reads the cookie with the state.
        """
        is_install = path == self.install_path
        if isinstance(self._flow, AsyncOAuthFlow):
            request = AsyncBoltRequest(body="", query=query, headers=headers)
            if is_install:
                return await self._flow.handle_installation(request)
            return await self._flow.handle_callback(request)
        in_thread = BoltRequest(body="", query=query, headers=headers)
        handle = self._flow.handle_installation if is_install else self._flow.handle_callback
        return await asyncio.to_thread(handle, in_thread)
