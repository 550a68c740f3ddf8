"""The link to Slack: one open connection, or two while Slack asks for a new one in place of the old."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from anchorbolt.errors import SlackRefusesError, SlackUnreachableError, SocketError
from anchorbolt.socket_mode.connection import CLOSED, LEASE_LOST, LEFT, Connection, Receive
from anchorbolt.socket_mode.slack import ADVICE, Slack, refusal
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("socket")

HELLO_SECONDS = 5.0
# Slack sends `warning` about ten seconds before it closes a connection. After this time we close it ourselves.
WARNED_SECONDS = 15.0
CLOSE_SECONDS = 3.0
# The wait between attempts to replace a connection, so that several fit into the ten seconds after a warning.
AGAIN_SECONDS = 2.0


class Link:
    """Opens connections, keeps one open, and tells why the last one ended."""

    def __init__(
        self,
        slack: Slack,
        receive: Receive,
        may_receive: Callable[[], bool],
        *,
        silent_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slack = slack
        self._receive = receive
        self._may_receive = may_receive
        self._silent_seconds = silent_seconds
        self._clock = clock
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        """The number of open connections."""
        return sum(connection.is_open for connection in self._connections)

    async def check_access(self) -> None:
        """Asks Slack whether it would accept a connection, without opening one. Raises a SocketError."""
        with _counting_failures():
            await self._slack.url()

    async def keep_connected(self, on_connected: Callable[[], None]) -> str:
        """Opens a connection, and replaces it whenever Slack asks for that. Returns why the last one ended.

        `on_connected`: called when the first one is open. Raises a SocketError when the first one cannot be opened, or
        when Slack refuses this app.
        """
        current = await self._open()
        on_connected()
        while True:
            await _first(current.warned, current.ended)
            if current.warned.is_set() and current.reason in ADVICE:
                await current.close(current.reason)
                raise refusal(current.reason)
            if current.ended.is_set():
                return current.reason
            log.info("Slack wants a new connection", reason=current.reason)
            new = await self._replacement(current)
            if new is None:
                return current.reason
            self._retire(current)
            current = new

    async def close_gracefully(self, within_seconds: float) -> None:
        """Closes all connections once their envelopes are acknowledged, or when the time is over."""
        await asyncio.gather(*(connection.close_gracefully(within_seconds) for connection in list(self._connections)))

    async def close_at_once(self) -> None:
        """Closes all connections at once, because another process may be the leader."""
        await asyncio.gather(*(connection.close(LEASE_LOST) for connection in list(self._connections)))

    async def close(self) -> None:
        """Closes all connections and releases what the link uses."""
        for task in list(self._tasks):
            task.cancel()
        await self.close_at_once()
        await self._slack.close()

    async def _open(self) -> Connection:
        with _counting_failures():
            connection = await self._connect()
        metrics.socket_opens.add("ok")
        log.info("connected to Slack", connections=connection.connections)
        return connection

    async def _connect(self) -> Connection:
        socket = await self._slack.connect()
        connection = Connection(socket, self._receive, self._may_receive, self._silent_seconds, self._clock)
        self._connections.add(connection)
        self._spawn(self._forget(connection), "socket ended")
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                await _first(connection.hello, connection.warned, connection.ended)
        except TimeoutError:
            await connection.close("no_hello")
            raise SlackUnreachableError(f"its WebSocket: no hello within {HELLO_SECONDS:.0f} s") from None
        except asyncio.CancelledError:
            await connection.close(LEFT)
            raise
        if connection.is_open:
            return connection
        await connection.close(connection.reason)
        if connection.reason in ADVICE:
            raise refusal(connection.reason)
        raise SlackUnreachableError(f"its WebSocket ended before the hello ({connection.reason})")

    async def _replacement(self, old: Connection) -> Connection | None:
        """Opens a connection in place of an old one. Returns None when the old one ended before there was another."""
        while not old.ended.is_set():
            try:
                return await self._open()
            except SocketError as error:
                log.warning("no new connection yet: the old one is still open", error=str(error))
                try:
                    async with asyncio.timeout(AGAIN_SECONDS):
                        await old.ended.wait()
                except TimeoutError:
                    continue
        return None

    def _retire(self, old: Connection) -> None:
        """Leaves the closing to Slack, so that envelopes which it still sends are received."""

        async def close_later() -> None:
            try:
                async with asyncio.timeout(WARNED_SECONDS):
                    await old.ended.wait()
            except TimeoutError:
                await old.close_gracefully(CLOSE_SECONDS)

        self._spawn(close_later(), "replaced socket")

    async def _forget(self, connection: Connection) -> None:
        await connection.ended.wait()
        await connection.close(connection.reason)
        self._connections.discard(connection)
        metrics.socket_ends.add(connection.reason if connection.reason in metrics.SOCKET_ENDS else CLOSED)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = spawn(work, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.contextmanager
def _counting_failures() -> Iterator[None]:
    """Counts failures to connect: those that need a person (refused) apart from the others (unreachable)."""
    try:
        yield
    except SocketError as error:
        metrics.socket_opens.add("refused" if isinstance(error, SlackRefusesError) else "unreachable")
        raise


async def _first(*events: asyncio.Event) -> None:
    """Returns when one of them is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
