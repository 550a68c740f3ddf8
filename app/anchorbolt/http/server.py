"""uvicorn, started and stopped by the lifecycle. A process has two servers: one for Slack, one for Kubernetes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator, Sequence
from typing import Any, cast

from starlette.types import ASGIApp

from anchorbolt.http.limits.acceptor import Acceptor
from anchorbolt.http.limits.connections import MAX_CONNECTIONS, Connections
from anchorbolt.http.limits.idle import HttpConnection
from anchorbolt.http.without_click import Config
from anchorbolt.http.without_click import Server as UvicornServer

# Longer than the idle timeout of proxies: they close first, so none sends a request on a connection that we close.
IDLE_SECONDS = 75


class Server(UvicornServer):
    """A server on sockets that were opened before. It takes no signals and runs no lifespan: lifecycle/life.py does."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        *,
        finish_seconds: float,
        head_seconds: float,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """`finish_seconds`: what requests in flight get at the end. `head_seconds`: what the head of one may take."""
        super().__init__(
            Config(
                app,
                http=HttpConnection,
                interface="asgi3",  # else uvicorn guesses, and takes a `__call__` without `async` for ASGI 2
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nobody asks for the client's address: the signature says who sent a request
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=max(1, round(finish_seconds)),
            )
        )
        self._sockets = list(sockets)
        self._head_seconds = head_seconds
        self._connections = Connections(max_connections)
        self._loop: asyncio.Task[None] | None = None
        self._acceptors: list[Acceptor] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """uvicorn's hook: takes no signals."""
        yield

    async def start(self) -> None:
        """Listens on the sockets, and returns as soon as connections are accepted. It serves until it is stopped."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        # Instead of uvicorn's own startup(), of which nothing else applies here.
        self._acceptors = [
            Acceptor(sock, self._connection, self.config.backlog, self._connections.make_room) for sock in self._sockets
        ]
        for acceptor in self._acceptors:
            acceptor.start()
        self.servers = cast("list[Any]", self._acceptors)  # uvicorn closes them, and waits for them, at its end
        self.started = True
        self._loop = asyncio.get_running_loop().create_task(self.main_loop(), name="server")

    def close_after_each_response(self, closes: bool) -> None:
        """Ends each connection with its next response from now on, or no longer, so that few are open at the end."""
        self._connections.closes = closes

    async def stop(self, *, leaves_queue: bool = False) -> None:
        """Stops listening, lets requests in flight end, and closes.

        What waits to be accepted is accepted before, because a socket that is closed resets it. `leaves_queue`: it is
        for the next process on these sockets.
        """
        if self._loop is None:
            return
        self.close_after_each_response(True)
        self._connections.ends = True
        if not leaves_queue:
            for acceptor in self._acceptors:
                acceptor.accept_all()
        self.should_exit = True
        await self.shutdown(sockets=self._sockets)
        await self._loop

    def _connection(self) -> asyncio.Protocol:
        return HttpConnection(
            head_seconds=self._head_seconds,
            connections=self._connections,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
