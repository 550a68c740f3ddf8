"""Which of a team's routes cannot work on the public port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, WebSocketRoute

from anchorbolt.http.slack_route import PATH

# Slack's paths are ours: what is not answered by a route of ours there is answered 404.
OURS = "/slack"


def is_ours(path: str) -> bool:
    """Whether a path is Slack's."""
    return path == OURS or path.startswith(f"{OURS}/")


def wrong_paths(application: Any) -> list[str]:
    """Returns a sentence for each route that cannot work: WebSockets, and paths that are ours.

    A route of PATH itself is none of them: it is what Bolt's adapter for FastAPI asks for, and ours takes its place.
    Only the routes of FastAPI and Starlette can be listed; other ASGI applications have none that we can see.
    """
    wrong = []
    for path, route in _routes(getattr(application, "routes", ())):
        if isinstance(route, WebSocketRoute):
            wrong.append(f"{path} is a WebSocket, which the public port does not speak: serve it from another process")
        elif is_ours(path) and path != PATH:
            wrong.append(f"{path} is below {OURS}, which belongs to Slack's requests: choose another path")
    return wrong


def _routes(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """All routes with their whole paths, those of mounted applications too."""
    for context in iter_route_contexts(routes):  # included routers keep their routes; this gives the whole paths
        route, path = context.original_route, prefix + (context.path or "")
        inner = getattr(route, "routes", None)
        if inner:
            yield from _routes(inner, path)
        else:
            yield path, route
