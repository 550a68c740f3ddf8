"""Accepts connections in batches: all that wait, up to a bound, in one iteration of the event loop.

uvloop itself accepts one in an iteration (libuv 1.48 and later). Under load an iteration is long, and a new connection
waited for seconds while requests on older connections were served (bench/results/performance-until-2026-11-28.md).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")

# Bounds the time until the connections that are there already are served again.
MAX_BATCH = 64
# How long to wait when no file descriptor is left: some connections must end first.
PAUSE_SECONDS = 0.1
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """One listening socket, with the methods of `asyncio.Server` that uvicorn calls when it shuts down."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        backlog: int,
        make_room: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """`make_room`: returns whether one more may be kept; it is told how many have no protocol yet."""
        self._make_room = make_room
        self._sock = sock
        self._protocol = protocol
        self._backlog = backlog
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[None]] = set()
        self._exhausted = False
        self._again: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Listens on the socket, and accepts connections from now on."""
        self._sock.setblocking(False)
        self._sock.listen(self._backlog)
        self._resume()

    def accept_all(self) -> None:
        """Takes all that waits to be accepted now."""
        for _ in range(self._backlog // MAX_BATCH + 1):
            self._accept()

    def close(self) -> None:
        """Accepts no more connections. Whoever opened the socket closes it."""
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._sock.fileno())

    async def wait_closed(self) -> None:
        """Returns when each accepted connection has its protocol."""
        if self._beginning:
            await asyncio.wait(self._beginning)

    def _resume(self) -> None:
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(MAX_BATCH):
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    if not self._exhausted:  # once, however often it is tried
                        log.error("no connection can be taken", error=str(error))
                    self._exhausted = True
                    self._pause()
                    return
                continue  # its client went away again
            self._exhausted = False
            if not self._make_room(len(self._beginning)):
                connection.close()
                self._pause()
                return
            task = self._loop.create_task(self._begin(connection), name="connection")
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    def _pause(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._again = self._loop.call_later(PAUSE_SECONDS, self._resume)

    async def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()  # its client went away again
