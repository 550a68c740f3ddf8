"""The FastAPI application of the public port."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.errors import RefusedError
from anchorbolt.http.responses import refusal
from anchorbolt.http.slack_route import PATH
from anchorbolt.telemetry import metrics

NOT_FOUND = RefusedError(404, "not_found")


class Application(FastAPI):
    """FastAPI without the five middlewares that it puts around its routes, each of which every request passes twice.

    They answer the errors of path operations, limit bodies and close the files of forms. Every route here is an ASGI
    application that answers its own errors and limits its own bodies; a team's application has its own middlewares.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own hook. Returns the router within the middlewares that were added to the application."""
        stack: ASGIApp = self.router
        for middleware, arguments, options in reversed(self.user_middleware):
            stack = middleware(stack, *arguments, **options)
        return stack


def create(slack_route: ASGIApp) -> FastAPI:
    """Returns the application, with the route of Slack's requests and nothing else: no documentation, no redirects."""
    application = Application(
        title="Anchorbolt",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # Spans and metrics of a request are ours (intake/sighting.py); FastAPI's would tell the same twice.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    application.router.routes.append(Route(PATH, slack_route, include_in_schema=False))
    application.router.default = not_found
    return application


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request for a path that has no route with 404, and counts it. An ASGI application."""
    if scope["type"] == "http":
        metrics.refused.add(NOT_FOUND.word)
        await refusal(NOT_FOUND)(scope, receive, send)
