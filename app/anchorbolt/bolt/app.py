"""The Bolt app of the server: listeners register with it, and each delivery is dispatched through it as a Run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import aiohttp
from slack_bolt.logger import get_bolt_app_logger
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt import workflow
from anchorbolt.bolt.adopt.calls import let_go
from anchorbolt.bolt.authorization import Authorization
from anchorbolt.bolt.composed_app import ComposedApp
from anchorbolt.bolt.error_handler import Word
from anchorbolt.bolt.foreign import Foreign
from anchorbolt.bolt.names import short_name, unwrapped
from anchorbolt.bolt.no_listener import NoListener
from anchorbolt.bolt.request import Request, as_delivered
from anchorbolt.bolt.run import RUN, Run
from anchorbolt.bolt.threads.adapt import listeners_in
from anchorbolt.bolt.tracked_app import context_for
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api.gate import Gates
from anchorbolt.bolt.web_api.respond import Respond
from anchorbolt.delivery import Delivery
from anchorbolt.limits import Limit, limit_of


class BoltApp(ComposedApp):
    """Bolt with its own checks of the request switched off (they are ours), and with our Web API client."""

    def __init__(self, *, token: str, api_url: str, sync_threads: int = 40, installs_itself: bool = False) -> None:
        """`sync_threads`: how many threads run synchronous functions, at most.

        `installs_itself`: a team's app has installations of its own, or an `authorize` (INSTALLATIONS=app).
        """
        super().__init__(
            failure=_failure,
            sync_threads=sync_threads,
            name="listeners",  # the name of the logger that listeners are given
            signing_secret="",  # verified before Bolt sees anything
            token=token,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            url_verification_enabled=False,
            raise_error_for_unhandled_request=False,
        )
        self.installs_itself = installs_itself
        self._async_client = self._web_client = web_client.create(token, api_url)
        self._async_middleware_list = [_ours(middleware) for middleware in self._async_middleware_list]
        self._no_listener = NoListener(self.index)
        self._request_logger: logging.Logger = get_bolt_app_logger(app_name=self.name, base_logger=self._base_logger)

    def authorize_by_workspace(self, authorization: AsyncMiddleware) -> None:
        """Authorizes with the tokens of each workspace, unless an app of the team's has a way of its own."""
        if not self.has_authorization_of_an_app:
            self._async_middleware_list[self._authorization()] = authorization

    @property
    def has_authorization_of_an_app(self) -> bool:
        """Whether an app of the team's authorizes requests by itself."""
        return not isinstance(self._async_middleware_list[self._authorization()], Authorization)

    @property
    def gates(self) -> Gates:
        """The rate gates of the process."""
        return self._web_client.gates

    @property
    def listener_limits(self) -> dict[str, Limit]:
        """The limits with which listeners are decorated (anchorbolt.limits), by the names of the listeners."""
        found = {}
        for one in (*self.index.all(), *self.listeners_of_middleware()):
            if (limit := limit_of(unwrapped(one.ack_function))) is not None:
                found[getattr(one, "qualified_name", None) or short_name(one.ack_function)] = limit
        return found

    def listeners_of_middleware(self) -> Iterator[Any]:
        """Yields the listeners of assistants and steps, which are not in the index. Bolt gives them no type."""
        for middleware in self._async_middleware_list:
            yield from listeners_in(middleware)

    @property
    def http_session(self) -> aiohttp.ClientSession:
        """The session that all calls of the Web API share, once it is open."""
        if self._web_client.shared is None:
            raise RuntimeError("the session opens with the app")
        return self._web_client.shared

    async def open(self) -> None:
        """Opens the session of the Web API."""
        web_client.share(self._web_client)

    async def learn_identity(self) -> None:
        """Asks Slack whom the token belongs to, as else the first request does."""
        for middleware in self._async_middleware_list:
            if isinstance(middleware, Authorization):
                middleware.auth_test_result = await self._web_client.auth_test()

    async def close(self) -> None:
        """Closes the session of the Web API, and lets the threads end in which a team's main block serves."""
        let_go()
        await web_client.close(self._web_client)

    async def answer(self, run: Run) -> BoltResponse:
        """Dispatches a delivery that came without one of Bolt's adapters, and returns Bolt's response.

        A stored one is then over; how it ended is in `run`. A cancelled caller cancels its listeners.
        """
        request = Request(run.delivery, context_for(run))
        run.dispatched = True
        return await self.dispatch_tracked(request)

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Dispatches a request of Bolt's FastAPI adapter; its context must hold the Run (http/bolt_adapter.py)."""
        run: Run | None = req.context.get(RUN)
        if run is None:
            raise TypeError("a request reaches Bolt with a Run in its context")
        request = as_delivered(req, run.delivery, context_for(run))
        run.dispatched = True
        return await self.dispatch_tracked(request)

    async def conclude_failure(self, run: Run) -> None:
        """Calls the app's error handler. One that handles the error takes it from the run."""
        await self.error_handler.conclude(run)

    async def report_failure(self, delivery: Delivery, reason: str) -> None:
        """Tells Slack of a workflow step that is a dead letter; nothing for any other delivery."""
        await workflow.report_failure(self._web_client, delivery, reason)

    def _init_context(self, req: AsyncBoltRequest) -> None:
        # As Bolt does, but without building a client from its parts for every request.
        context = req.context
        run: Run = context[RUN]
        client = web_client.for_request(self._web_client, context.get("team_id"), run.calls)
        context["logger"] = self._request_logger
        context["token"] = self._token
        context["client"] = client
        if (response_url := context.get("response_url")) is not None:
            context["respond"] = Respond(client, response_url)
        context["listener_runner"] = self._async_listener_runner

    def _handle_unmatched_requests(self, req: AsyncBoltRequest, resp: BoltResponse) -> BoltResponse:
        # In the place of Bolt's warning, which quotes the payload, for each request.
        run: Run = req.context[RUN]
        run.unmatched = True
        self._no_listener.note(run.delivery, run.passed_over)
        return BoltResponse(status=404, body={"error": "unhandled request"})


def _failure(word: Word) -> BoltResponse:
    """What Slack is told: of the 5xx class, and never an empty 500 (docs/decisions/0004)."""
    match word:  # written out, so that docs/errors.md can be held against it
        case "listener_failed":
            return BoltResponse(status=503, body={"error": "listener_failed"})
        case "no_ack":
            return BoltResponse(status=503, body={"error": "no_ack"})
        case "ack_timeout":
            return BoltResponse(status=503, body={"error": "ack_timeout"})


def _ours(middleware: AsyncMiddleware) -> AsyncMiddleware:
    return Authorization(Foreign()) if isinstance(middleware, AsyncSingleTeamAuthorization) else middleware
