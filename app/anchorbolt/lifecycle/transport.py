"""The transport as the lifecycle sees it: opened when the pod is ready, closed when it ends."""

from __future__ import annotations

from typing import Protocol

from starlette.types import ASGIApp

from anchorbolt.http.server import Server
from anchorbolt.intake.intake import Intake


class Transport(Protocol):
    """How deliveries arrive: HTTP or Socket Mode."""

    @property
    def trouble(self) -> str | None:
        """Why no delivery can arrive although it should, or None when all is well."""

    @property
    def in_flight(self) -> int:
        """The number of requests that are being answered, with the unstored listeners that still run."""

    @property
    def connections(self) -> int:
        """The number of open connections to Slack in Socket Mode."""

    @property
    def active(self) -> bool:
        """Whether this process is meant to be connected to Slack in Socket Mode."""

    async def listen(self) -> None:
        """The store was not reached yet: refuses what arrives from now on, where somebody would send it again."""

    async def open(self) -> None:
        """Begins to take requests, and returns."""

    def hand_over(self) -> None:
        """A drain has begun: other processes should get new requests, as far as this transport can arrange that."""

    def resume(self) -> None:
        """The drain was cancelled because no SIGTERM followed it."""

    async def close(self, within_seconds: float) -> None:
        """Stops taking requests. Those in flight have `within_seconds` to finish."""


class HttpTransport:
    """The public port. During a drain it serves on: proxies look at /readyz and send new requests elsewhere."""

    trouble = None
    connections = 0
    active = False

    def __init__(self, application: ASGIApp, intake: Intake, server: Server, *, in_turn: bool = False) -> None:
        """`server` knows already how long requests in flight have at the end.

        `in_turn`: one process follows the other on the same sockets, without a proxy (`anchorbolt dev`). So what
        arrives before this one is open, or when it has closed, waits in the sockets' queue, and nothing is refused.
        """
        self.application = application
        self._intake = intake
        self._server = server
        self._in_turn = in_turn

    @property
    def in_flight(self) -> int:
        """The number of requests that are being answered, with the unstored listeners that still run."""
        return self._intake.in_flight

    async def listen(self) -> None:
        """Starts to listen. A request is refused with 425, so that a proxy asks another pod."""
        if not self._in_turn:
            self._intake.starting = True
            await self._server.start()

    async def open(self) -> None:
        """Takes requests from now on."""
        if self._in_turn:
            await self._server.start()
        self._intake.starting = False

    def hand_over(self) -> None:
        """Ends each connection with its next response, so that proxies keep none. They soon send requests elsewhere."""
        self._server.close_after_each_response(True)

    def resume(self) -> None:
        """Keeps connections open again after a response. Requests were served all the time."""
        self._server.close_after_each_response(False)

    async def close(self, within_seconds: float) -> None:
        """Stops listening. Requests that still arrive over open connections are refused, so that a proxy retries.

        Where another process follows there is no proxy to do so: they are taken and kept for that process.
        """
        self._intake.closing = not self._in_turn
        await self._server.stop(leaves_queue=self._in_turn)
