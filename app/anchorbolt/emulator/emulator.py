"""The Slack emulator as a server that a program starts and stops, on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import uvicorn

from anchorbolt.emulator.admin import admin_page
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.lost import LosableProtocol
from anchorbolt.emulator.script import Script
from anchorbolt.emulator.socket_mode.sockets import Sockets
from anchorbolt.emulator.state.workspace import Workspace
from anchorbolt.emulator.web_api import WebApi
from anchorbolt.errors import PortTakenError

BACKLOG = 1024


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the program around it and has an event that is set once it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Emulator:
    """A Slack emulator that runs between `start` and `stop`, or within `async with`."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        socket_port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`port`: for HTTP. `socket_port`: for the connections of Socket Mode. 0 means any free port."""
        self.calls = Calls()
        self.script = Script()
        self.workspace = Workspace()
        self.sockets = Sockets(host, socket_port)
        self._host = host
        self._port = port
        self._app = WebApi(
            calls=self.calls,
            script=self.script,
            workspace=self.workspace,
            sockets=self.sockets,
            others=admin_page(self.calls, self.script, self.sockets, self.workspace),
            clock=clock,
        )
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port of the Web API."""
        return self._port

    @property
    def url(self) -> str:
        """The address of the emulator, with a slash at its end."""
        return f"http://{self._host}:{self._port}/"

    @property
    def api_url(self) -> str:
        """The base of the emulated Web API, which SLACK_API_URL is set to."""
        return f"{self.url}api/"

    async def start(self) -> None:
        """Starts to listen. Raises PortTakenError where another process listens on the port."""
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms for an ACK.
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(self._port, "--emulator-port (make run: EMULATOR_PORT)") from None
            raise
        self._port = listener.getsockname()[1]
        await self.sockets.start()
        config = uvicorn.Config(self._app, log_config=None, access_log=False, lifespan="off", http=LosableProtocol)
        config.timeout_graceful_shutdown = 1
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="Slack emulator")
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Stops within about a second, and closes the connections that are still open."""
        if self._server is not None and self._serving is not None:
            await self.sockets.stop()
            self._server.should_exit = True
            await self._serving

    def forget(self) -> None:
        """Forgets calls, script and what was made in the workspace, as if it had just been started."""
        self.calls.clear()
        self.script.clear()
        self.workspace.forget()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
