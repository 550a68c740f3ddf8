"""Which of a team's routes cannot work on the public port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from starlette.routing import BaseRoute, WebSocketRoute

from anchorbolt.http.without_openapi import iter_route_contexts


def wrong_paths(application: Any) -> list[str]:
    """Returns a sentence for each route that cannot work: WebSockets.

    Only the routes of FastAPI and Starlette can be listed; other applications have none that we can see.
    """
    return [
        f"{path} is a WebSocket, which the public port does not speak: serve it from another process"
        for path, route in _routes(getattr(application, "routes", ()))
        if isinstance(route, WebSocketRoute)
    ]


def _routes(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """All routes with their whole paths, those of mounted applications too."""
    for context in iter_route_contexts(routes):  # included routers keep their routes; this gives the whole paths
        route, path = context.original_route, prefix + (context.path or "")
        inner = getattr(route, "routes", None)
        if inner:
            yield from _routes(inner, path)
        else:
            yield path, route
