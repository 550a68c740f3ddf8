"""Refuses a request of Slack's before FastAPI where intake would refuse it anyway, because of overload or a drain.

Under twice the load that a process can take, most requests are refused. Through FastAPI and the route a refusal costs a
third of an event, and throughput falls to half of its peak (docs/decisions/0064).
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.http.responses import refusal
from anchorbolt.intake.intake import Intake


class OverloadLimit:
    """ASGI middleware around an application; only requests for `path` are refused."""

    def __init__(self, application: ASGIApp, intake: Intake, path: str) -> None:
        self._application = application
        self._intake = intake
        self._path = path

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Refuses the request, or passes it on. Returns what uvicorn awaits: a coroutine of its own would cost more."""
        if scope["type"] == "http" and scope["path"] == self._path and (error := self._intake.turn_away()) is not None:
            return refusal(error)(scope, receive, send)
        return self._application(scope, receive, send)
