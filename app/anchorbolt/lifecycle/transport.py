"""How requests come in, as the life of a pod sees it: opened when it is ready, closed when it ends."""

from __future__ import annotations

from typing import Protocol

from anchorbolt.http.server import Server
from anchorbolt.http.slack_route import Receiver


class Door(Protocol):
    """HTTP's, or Socket Mode's."""

    @property
    def trouble(self) -> str | None:
        """Why nothing can come in here, where something should; None when all is well."""

    @property
    def in_flight(self) -> int:
        """How many requests are being answered, with the unstored listeners that go on."""

    @property
    def connections(self) -> int:
        """How many connections to Slack stand."""

    @property
    def active(self) -> bool:
        """Whether this process is to be connected to Slack."""

    async def open(self) -> None:
        """Requests may come in."""

    def hand_over(self) -> None:
        """A drain has begun: others shall get what comes, as far as this side can bring that about."""

    def resume(self) -> None:
        """The drain lapsed."""

    async def close(self, within_seconds: float) -> None:
        """No request comes in any more; those in flight have that long."""


class HttpDoor:
    """The public port. Who sends elsewhere when we drain are the proxies: they look at /readyz."""

    trouble = None
    connections = 0
    active = False

    def __init__(self, receiver: Receiver, server: Server) -> None:
        """`server` was told how long requests in flight have."""
        self.receiver = receiver
        self._server = server

    @property
    def in_flight(self) -> int:
        """The receiver's."""
        return self.receiver.in_flight

    async def open(self) -> None:
        """Listens."""
        await self._server.start()

    def hand_over(self) -> None:
        """Serves on."""

    def resume(self) -> None:
        """Served all the time."""

    async def close(self, within_seconds: float) -> None:
        """What still comes in over open connections is refused before any work, so that a proxy asks another pod."""
        self.receiver.closing = True
        await self._server.stop()
