"""The FastAPI application of the public port."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.errors import RefusedError
from anchorbolt.http.responses import refusal
from anchorbolt.http.slack_route import PATH
from anchorbolt.http.without_openapi import FastAPI
from anchorbolt.telemetry import metrics

NOT_FOUND = RefusedError(404, "not_found")


class Application(FastAPI):
    """FastAPI without the five middlewares that it puts around its routes, each of which every request passes twice.

    They answer the errors of path operations, limit bodies and close the files of forms. Every route here is an ASGI
    application that answers its own errors and limits its own bodies; a team's application has its own middlewares.

    Nearly every request is for Slack's route. So the path of a request is compared with that one first, and FastAPI's
    router, which matches its routes one after the other, is asked only about other paths.
    """

    def __init__(self, slack_route: ASGIApp) -> None:
        """No documentation and no redirects: nobody is to find more here than the routes that were put in."""
        super().__init__(
            title="Anchorbolt",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            # Spans and metrics of a request are ours (intake/sighting.py); FastAPI's would tell the same twice.
            telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        )
        self._slack_route = slack_route
        self.router.routes.append(Route(PATH, slack_route, include_in_schema=False))
        self.router.default = not_found

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own hook. Returns the routes within the middlewares that were added to the application."""
        stack: ASGIApp = self._to_route
        for middleware, arguments, options in reversed(self.user_middleware):
            stack = middleware(stack, *arguments, **options)
        return stack

    def _to_route(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["path"] == PATH:
            return self._slack_route(scope, receive, send)
        return self.router(scope, receive, send)


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request for a path that has no route with 404, and counts it. An ASGI application."""
    if scope["type"] == "http":
        metrics.refused.add(NOT_FOUND.word)
        await refusal(NOT_FOUND)(scope, receive, send)
