"""A Bolt app that is composed of the parts of a team's apps: their middleware, options and Web API clients."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.listener.async_listener import AsyncListener
from slack_bolt.logger import get_bolt_app_logger
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.attaching_function_token.async_attaching_function_token import AsyncAttachingFunctionToken
from slack_bolt.middleware.authorization.async_multi_teams_authorization import AsyncMultiTeamsAuthorization
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.middleware.ignoring_self_events.async_ignoring_self_events import AsyncIgnoringSelfEvents
from slack_bolt.middleware.ignoring_self_events.ignoring_self_events import IgnoringSelfEvents
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt.bolt.adopt.oauth_pages import OAuthPages
from anchorbolt.bolt.error_handler import UnhandledRequest
from anchorbolt.bolt.names import Names
from anchorbolt.bolt.tracked_app import TrackedApp
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from anchorbolt.errors import ListenersError

_AUTHORIZATION = (AsyncSingleTeamAuthorization, AsyncMultiTeamsAuthorization)


class ComposedApp(TrackedApp):
    """Takes the parts of a team's apps. Where two apps contradict each other, a ListenersError says so."""

    _web_client: WatchedClient
    _request_logger: logging.Logger

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.oauth_pages: OAuthPages | None = None
        self._taken: dict[str, object] = {}  # what the apps said, by what it is about

    def take_client(self, client: WebClient | AsyncWebClient, token: str | None) -> None:
        """Takes token, address, time limit, proxy, TLS, headers and retry handlers of an app's client."""
        if token is not None:
            self._agree(
                "token", token, "the apps have different tokens: all of them need one workspace's, SLACK_BOT_TOKEN"
            )
            self._token = self._web_client.token = token
        mine = self._web_client
        mine.base_url, mine.timeout, mine.ssl, mine.proxy = client.base_url, client.timeout, client.ssl, client.proxy
        mine.headers.update({name: value for name, value in client.headers.items() if name != "User-Agent"})
        if isinstance(client, WebClient):
            self.threads.client = client
        else:
            theirs = {type(handler) for handler in client.retry_handlers}
            mine.retry_handlers = [
                one for one in mine.retry_handlers if type(one) not in theirs
            ] + client.retry_handlers

    def raise_unhandled(self) -> None:
        """Gives the app's error handler what no listener is there for (raise_error_for_unhandled_request)."""
        self._raise_error_for_unhandled_request = True
        self.listener_runner.listener_error_handler = UnhandledRequest(self.error_handler)

    def take_logger(self, name: str, base: logging.Logger | None) -> None:
        """Gives listeners the logger that Bolt would give them."""
        self._request_logger = get_bolt_app_logger(app_name=name, base_logger=base)

    def take_error_handler(self, handler: Any) -> None:
        """Takes the function of `@app.error`."""
        self._agree("error", handler, "two of the apps have an error handler (@app.error): one is called, so keep one")
        self.error(handler)

    @property
    def listener_names(self) -> Names:
        """The names that listeners have in logs, traces and metrics."""
        return self.index.names

    def add_listener(self, listener: AsyncListener) -> None:
        """Adds a listener that Bolt has built."""
        self._async_listeners.append(listener)

    def add_middleware(self, middleware: AsyncMiddleware) -> None:
        """Adds a global middleware behind those that are there."""
        self._async_middleware_list.append(middleware)

    def add_before_authorization(self, middleware: AsyncMiddleware) -> None:
        """Adds a global middleware just before the authorization."""
        self._async_middleware_list.insert(self._authorization(), middleware)

    def authorize_by(self, authorize: AsyncAuthorize, error_message: str) -> None:
        """Authorizes by a function of the team's instead of by SLACK_BOT_TOKEN."""
        self._agree("authorize", authorize, "two of the apps have an authorize function: one is called, so keep one")
        self._async_middleware_list[self._authorization()] = AsyncMultiTeamsAuthorization(
            authorize=authorize, user_facing_authorize_error_message=error_message
        )

    def take_oauth(self, pages: OAuthPages) -> None:
        """Takes the pages of an app that installs by OAuth on its own."""
        self._agree("oauth", pages, "two of the apps install by OAuth: one address gets Slack's redirects, so keep one")
        self.oauth_pages = pages

    def ignore_self_events(self, theirs: IgnoringSelfEvents | None) -> None:
        """Ignores what the bot itself caused as an app does; None: it does not ignore it."""
        in_threads = None if theirs is None else theirs.ignoring_self_assistant_message_events_enabled
        self._agree("self events", (theirs is None, in_threads), "the apps differ in ignoring_self_events_enabled")
        mine = [] if in_threads is None else [_self_events(in_threads=in_threads)]
        self._replace(AsyncIgnoringSelfEvents, mine)

    def attach_function_tokens(self, *, attach: bool) -> None:
        """Gives listeners of custom steps the token of their execution, or not."""
        self._agree("function tokens", attach, "the apps differ in attaching_function_token_enabled")
        if not attach:
            self._replace(AsyncAttachingFunctionToken, [])

    def _authorization(self) -> int:
        """The place of the authorization."""
        return next(at for at, one in enumerate(self._async_middleware_list) if isinstance(one, _AUTHORIZATION))

    def _replace(self, kind: type[AsyncMiddleware], by: Sequence[AsyncMiddleware]) -> None:
        found = self._async_middleware_list
        at = next((at for at, one in enumerate(found) if isinstance(one, kind)), None)
        if at is not None:
            found[at : at + 1] = by

    def _agree(self, about: str, said: object, otherwise: str) -> None:
        if self._taken.setdefault(about, said) != said:
            raise ListenersError(otherwise)


def _self_events(*, in_threads: bool) -> AsyncIgnoringSelfEvents:
    return AsyncIgnoringSelfEvents(ignoring_self_assistant_message_events_enabled=in_threads)
