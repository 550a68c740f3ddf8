"""The internal port: the probes of Kubernetes, and the preStop hook. Nothing here asks the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from anchorbolt.lifecycle.pod import Pod, State

Endpoint = Callable[[Request], Awaitable[Response]]


def create(pod: Pod, extra: dict[str, Endpoint] | None = None) -> Starlette:
    """The application of the internal port. `extra`: more pages by path."""

    async def livez(_: Request) -> Response:
        """The process answers: true from its first moment to its last, also while it drains."""
        return PlainTextResponse("alive\n")

    async def startupz(_: Request) -> Response:
        """The store was reached once. Liveness and readiness are asked from then on."""
        return _answer(pod, pod.state is not State.STARTING)

    async def readyz(_: Request) -> Response:
        """The store was reached once, and we do not drain. A store that goes away later makes no pod unready.

        In Socket Mode: and we are connected, or could be when it is our turn.
        """
        trouble = pod.trouble
        return PlainTextResponse(f"{trouble or pod.state}\n", 200 if trouble is None else 503)

    async def drain(_: Request) -> Response:
        """For preStop, whose httpGet is a GET; a person would POST."""
        await pod.drain()
        return PlainTextResponse(f"{pod.state}\n")

    routes = [
        Route("/livez", livez),
        Route("/startupz", startupz),
        Route("/readyz", readyz),
        Route("/drain", drain, methods=["GET", "POST"]),
        *(Route(path, endpoint) for path, endpoint in (extra or {}).items()),
    ]
    return Starlette(routes=routes)


def _answer(pod: Pod, good: bool) -> Response:
    return PlainTextResponse(f"{pod.state}\n", 200 if good else 503)
