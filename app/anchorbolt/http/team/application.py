"""A team's ASGI application as our FastAPI application mounts it, behind the route of Slack's requests."""

from __future__ import annotations

from typing import Any, cast

from a2wsgi import WSGIMiddleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.http.team.kinds import is_asgi
from anchorbolt.http.without_openapi import APIRouter, FastAPI


class TeamApplication:
    """Raw ASGI around a team's application. Its requests see the state that its lifespan made."""

    def __init__(self, application: Any) -> None:
        """`application`: an ASGI or a WSGI application, or an APIRouter."""
        self.asgi: ASGIApp = _as_asgi(application)
        self.state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request with the team's application. An ASGI application."""
        # A copy for each request, as uvicorn makes it: what one request sets in its state is not seen by others.
        await self.asgi({**scope, "state": self.state.copy()}, receive, send)


def mount(web: FastAPI, application: TeamApplication, max_body_bytes: int) -> None:
    """Mounts a team's application behind the routes that `web` has.

    `max_body_bytes`: a request with a larger body is answered 413, as Slack's route answers it.
    """
    web.router.routes.append(Mount("/", RequestBodyLimitMiddleware(application, max_body_bytes)))


def _as_asgi(application: Any) -> ASGIApp:
    if isinstance(application, APIRouter):
        return _of_router(application)
    # Its functions run in a pool of ten threads of its own.
    return cast("ASGIApp", application if is_asgi(application) else WSGIMiddleware(application))


def _of_router(router: APIRouter) -> FastAPI:
    """An application for a router that was made for one: with its routes, and with its lifespan."""
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    application.include_router(router)
    return application
