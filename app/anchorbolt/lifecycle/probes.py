"""The internal port: the probes of Kubernetes. None of them queries the database, and nothing here changes the pod."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from anchorbolt.lifecycle.pod import Pod, State

Endpoint = Callable[[Request], Awaitable[Response]]


def create(pod: Pod, extra: dict[str, Endpoint] | None = None) -> Starlette:
    """Creates the application of the internal port. `extra`: further pages by their path."""

    async def livez(_: Request) -> Response:
        """Answers 200 as long as the process can answer, also while it drains."""
        return PlainTextResponse("alive\n")

    async def startupz(_: Request) -> Response:
        """Answers 200 once the store was reached. Kubernetes asks for liveness and readiness only after that."""
        return _answer(pod, pod.state is not State.STARTING)

    async def readyz(_: Request) -> Response:
        """Answers 200 when the store was reached once and the pod does not drain.

        A store that goes away later makes no pod unready. In Socket Mode the pod must also be connected to Slack, or be
        a standby that could connect.
        """
        trouble = pod.trouble
        return PlainTextResponse(f"{trouble or pod.state}\n", 200 if trouble is None else 503)

    routes = [
        Route("/livez", livez),
        Route("/startupz", startupz),
        Route("/readyz", readyz),
        *(Route(path, endpoint) for path, endpoint in (extra or {}).items()),
    ]
    return Starlette(routes=routes)


def region_page(pod: Pod, is_drained: Callable[[], bool]) -> Endpoint:
    """Returns the page that says whether this pod's region should get traffic. The tier asks it (ingress/haproxy).

    Nothing of the database is in it: where that is away, commands are answered all the same.
    """

    async def region(_: Request) -> Response:
        trouble = pod.trouble or ("drained by hand" if is_drained() else None)
        return PlainTextResponse(f"{trouble or 'takes traffic'}\n", 200 if trouble is None else 503)

    return region


def _answer(pod: Pod, good: bool) -> Response:
    return PlainTextResponse(f"{pod.state}\n", 200 if good else 503)
