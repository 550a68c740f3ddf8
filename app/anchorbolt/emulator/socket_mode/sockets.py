"""The server of Socket Mode: it hands out URLs, accepts connections, and knows every connection of the app."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from anchorbolt.emulator.scene import APP_ID
from anchorbolt.emulator.socket_mode.connection import Connection
from anchorbolt.emulator.socket_mode.envelope import Envelope

# https://docs.slack.dev/apis/events-api/using-socket-mode/
MOST_CONNECTIONS = 10
CLOSES_AFTER_SECONDS = 10.0


class NoConnectionError(Exception):
    """The app has no open connection."""


class Sockets:
    """Every connection of the app. Tests may change `sends_hello`, `connection_limit` and `ports_by_host`."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.connections: list[Connection] = []
        self.opened = 0  # how many URLs were handed out
        self.most_open_at_once = 0  # the highest number of connections that were open at the same time
        self.sends_hello = True
        self.connection_limit = MOST_CONNECTIONS
        self.ports_by_host: dict[str, int] = {}  # the port in the URL for an app that called this host: that of a relay
        self.port = port
        self._host = host
        self._tickets: set[str] = set()
        self._chance = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens for the app's connections; `port` is then the one that was taken."""
        application = web.Application()
        application.router.add_get("/link", self._connect)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._host, self.port))
        self.port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Closes every connection and stops listening."""
        for task in list(self._tasks):
            task.cancel()
        if self._runner is not None:
            await asyncio.gather(*(connection.close() for connection in self.connections))
            await self._runner.cleanup()

    @property
    def open_connections(self) -> list[Connection]:
        """The connections over which Slack may send, the oldest first."""
        return [connection for connection in self.connections if connection.is_open]

    def open(self, arguments: Mapping[str, Any], token: str, host: str) -> dict[str, Any]:
        """Returns the answer of apps.connections.open: a URL that can be used once.

        `host`: the name and port that the app called.
        """
        token = token or str(arguments.get("token") or "")
        if not token:
            return {"ok": False, "error": "not_authed"}
        if not token.startswith("xapp-"):
            return {"ok": False, "error": "not_allowed_token_type"}
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        self.opened += 1
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        port = self.ports_by_host.get(host, self.port)
        return {"ok": True, "url": f"ws://{name}:{port}/link?ticket={ticket}&app_id={APP_ID}"}

    async def send(self, envelope: Envelope, wait_seconds: float) -> dict[str, Any] | None:
        """Sends an envelope over any open connection, and returns the payload of its ack.

        Raises TimeoutError or NoConnectionError.
        """
        open_connections = self.open_connections
        if not open_connections:
            raise NoConnectionError
        return await self._chance.choice(open_connections).send(envelope, wait_seconds)

    async def warn(
        self, connection: Connection, reason: str = "warning", closes_after_seconds: float = CLOSES_AFTER_SECONDS
    ) -> None:
        """Announces the end of a connection, and closes it later.

        Args:
            connection: the one that ends.
            reason: Slack's word for it: `warning`, `refresh_requested` or `link_disabled`.
            closes_after_seconds: how much later.
        """
        connection.warned = True
        await connection.say({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-emulator"}})
        self._later(closes_after_seconds, connection)

    def _later(self, seconds: float, connection: Connection) -> None:
        async def close() -> None:
            await asyncio.sleep(seconds)
            await connection.finish()
            await connection.close()

        task = asyncio.create_task(close(), name="Slack emulator: close a connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="the URL was used, or is too old")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=0.5)
        await socket.prepare(request)
        connection = Connection(len(self.connections) + 1, socket)
        if len(self.open_connections) >= self.connection_limit:
            await self.warn(connection, "too_many_websockets", 0)
            await connection.read()
            return socket
        self.connections.append(connection)
        if self.sends_hello:
            connection.is_open = True
            self.most_open_at_once = max(self.most_open_at_once, len(self.open_connections))
            await connection.say(self._hello())
        await connection.read()
        return socket

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.open_connections),
            "debug_info": {"host": "applink-emulator", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP_ID},
        }
