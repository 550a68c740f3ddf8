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
        """The store was not reached yet: refuses what arrives from now on, rather than letting it wait."""

    async def open(self) -> None:
        """Begins to take requests, and returns."""

    def hand_over(self) -> None:
        """A drain has begun: other processes should get new requests, as far as this transport can arrange that."""

    def resume(self) -> None:
        """The drain was cancelled because no SIGTERM followed it."""

    async def close(self, within_seconds: float, *, leaves_queue: bool = False) -> None:
        """Stops taking requests. Those in flight have `within_seconds` to finish.

        `leaves_queue`: what waits in the queue of the sockets is for the next process.
        """


class HttpTransport:
    """The public port. During a drain it serves on: proxies look at /readyz and send new requests elsewhere."""

    trouble = None
    connections = 0
    active = False

    def __init__(self, application: ASGIApp, intake: Intake, server: Server) -> None:
        """`server` knows already how long requests in flight have at the end."""
        self.application = application
        self._intake = intake
        self._server = server

    @property
    def in_flight(self) -> int:
        """The number of requests that are being answered, with the unstored listeners that still run."""
        return self._intake.in_flight

    async def listen(self) -> None:
        """Starts to listen. A request is refused with 425, so that a proxy asks another pod."""
        self._intake.starting = True
        await self._server.start()

    async def open(self) -> None:
        """Takes requests from now on."""
        self._intake.starting = False

    def hand_over(self) -> None:
        """Ends each connection with its next response, so that proxies keep none. They soon send requests elsewhere."""
        self._server.close_after_each_response(True)

    def resume(self) -> None:
        """Keeps connections open again after a response. Requests were served all the time."""
        self._server.close_after_each_response(False)

    async def close(self, within_seconds: float, *, leaves_queue: bool = False) -> None:
        """Stops listening. Requests that still arrive over open connections are refused, so that a proxy retries.

        Where the next process takes the queue there is no proxy to do so: they are taken and kept for that process.
        """
        self._intake.closing = not leaves_queue
        await self._server.stop(leaves_queue=leaves_queue)
