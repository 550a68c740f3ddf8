"""Registers all that an app object of a team's holds with our app: listeners, middleware, error handler, options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_bolt.middleware import (
    AttachingFunctionToken,
    IgnoringSelfEvents,
    MultiTeamsAuthorization,
    RequestVerification,
    SingleTeamAuthorization,
    SslCheck,
    UrlVerification,
)
from slack_bolt.middleware.async_builtins import (
    AsyncIgnoringSelfEvents,
    AsyncRequestVerification,
    AsyncSslCheck,
    AsyncUrlVerification,
)
from slack_bolt.middleware.attaching_function_token.async_attaching_function_token import AsyncAttachingFunctionToken
from slack_bolt.middleware.authorization.async_multi_teams_authorization import AsyncMultiTeamsAuthorization
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization

from anchorbolt.bolt.adopt import listener_handlers, options
from anchorbolt.bolt.adopt.oauth_pages import OAuthPages
from anchorbolt.bolt.adopt.problems import Problems, place_of
from anchorbolt.bolt.adopt.runner_parts import check_runner, error_handler_of
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.threads import adapt

# Bolt's own checks of a request: http/ and intake/ make them before Bolt sees anything.
_CHECKS = (
    SslCheck,
    RequestVerification,
    UrlVerification,
    AsyncSslCheck,
    AsyncRequestVerification,
    AsyncUrlVerification,
)
_SINGLE = (SingleTeamAuthorization, AsyncSingleTeamAuthorization)
_MULTI = (MultiTeamsAuthorization, AsyncMultiTeamsAuthorization)
_SELF_EVENTS = (IgnoringSelfEvents, AsyncIgnoringSelfEvents)
_FUNCTION_TOKEN = (AttachingFunctionToken, AsyncAttachingFunctionToken)


def adopt(bolt: BoltApp, app: App | AsyncApp) -> None:
    """Registers what `app` holds with `bolt`, in the order in which it was registered with `app`.

    Raises ListenersError for what cannot work here.
    """
    problems = Problems()
    with problems.collected():
        options.check(app, installs_itself=bolt.installs_itself)
    with problems.collected():
        bolt.take_client(app._client if isinstance(app, App) else app._async_client, app._token)
    with problems.collected(f"{type(app).__name__}: "):
        check_runner(app.listener_runner)
    listener_handlers.keep(app)
    _take_options(bolt, app)
    _take_middleware(bolt, app, problems)
    for listener in app._listeners if isinstance(app, App) else app._async_listeners:
        with problems.collected(f"{place_of(listener.ack_function)}: "):
            bolt.add_listener(adapt.listener(listener))
    if (handler := error_handler_of(app.listener_runner)) is not None:
        with problems.collected(f"{place_of(handler)}: "):
            bolt.take_error_handler(handler)
    problems.tell()


def _take_options(bolt: BoltApp, app: App | AsyncApp) -> None:
    bolt.take_logger(app.name, app._base_logger)
    if app._process_before_response:
        bolt.listener_runner.process_before_response = True
    if app._raise_error_for_unhandled_request:
        bolt.raise_unhandled()


def _take_middleware(bolt: BoltApp, app: App | AsyncApp, problems: Problems) -> None:
    """Takes an app's middleware: what stands before its authorization goes before ours, the rest to the end."""
    theirs: list[Any] = [one for one in _middleware_of(app) if not isinstance(one, _CHECKS)]
    at = next(index for index, one in enumerate(theirs) if isinstance(one, _SINGLE + _MULTI))
    authorization, rest = theirs[at], theirs[at + 1 :]
    for middleware in theirs[:at]:  # before_authorize
        bolt.add_before_authorization(adapt.middleware(middleware))
    if isinstance(authorization, _MULTI) and (bolt.installs_itself or not options.has_oauth_of_the_environment(app)):
        message = authorization.user_facing_authorize_error_message
        with problems.collected():
            bolt.authorize_by(adapt.authorize(authorization.authorize), message)
    if bolt.installs_itself and app.oauth_flow is not None:
        with problems.collected():
            bolt.take_oauth(OAuthPages(app.oauth_flow))
    with problems.collected():
        bolt.ignore_self_events(next((one for one in rest if type(one) in _SELF_EVENTS), None))
    with problems.collected():
        bolt.attach_function_tokens(attach=any(type(one) in _FUNCTION_TOKEN for one in rest))
    for middleware in rest:
        if type(middleware) not in _SELF_EVENTS + _FUNCTION_TOKEN:
            with problems.collected(f"{type(app).__name__}: "):
                bolt.add_middleware(adapt.middleware(middleware))


def _middleware_of(app: App | AsyncApp) -> Iterable[Any]:
    return app._middleware_list if isinstance(app, App) else app._async_middleware_list
