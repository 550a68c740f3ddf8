"""A link to Slack: one connection stands, and while Slack wants a new one in its place, two do."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from anchorbolt.errors import SlackRefusesError, SlackUnreachableError, SocketError
from anchorbolt.socket_mode.connection import CLOSED, LEFT, TURNED_AWAY, Connection, Receive
from anchorbolt.socket_mode.slack import ADVICE, Slack, refusal
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("socket")

HELLO_SECONDS = 5.0
# Slack says `warning` some ten seconds before it ends a connection; a longer wait is for what it forgets.
WARNED_SECONDS = 15.0
LEAVE_SECONDS = 3.0
# After a warning, when the new connection cannot be had: not a storm, and within the ten seconds.
AGAIN_SECONDS = 2.0


class Link:
    """Opens connections, keeps one standing, and says why the last one ended."""

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
    def standing(self) -> int:
        """How many connections stand."""
        return sum(connection.stands for connection in self._connections)

    async def knock(self) -> None:
        """Asks Slack whether it would let us in, without going in. Raises a SocketError."""
        with _counting():
            await self._slack.url()

    async def stand(self, on_stand: Callable[[], None]) -> str:
        """Keeps a connection standing over Slack's wishes for a new one. Returns why the last one ended.

        `on_stand`: the first one stands. Raises a SocketError when it could not be had, or Slack wants none of us.
        """
        current = await self._open()
        on_stand()
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
            self._let_go(current)
            current = new

    async def leave(self, within_seconds: float) -> None:
        """Ends all connections, when what came over them is answered or the time is over."""
        await asyncio.gather(*(connection.leave(within_seconds) for connection in list(self._connections)))

    async def drop(self) -> None:
        """Ends all connections at once: they may be somebody else's to have."""
        await asyncio.gather(*(connection.close(TURNED_AWAY) for connection in list(self._connections)))

    async def close(self) -> None:
        """No link any more."""
        for task in list(self._tasks):
            task.cancel()
        await self.drop()
        await self._slack.close()

    async def _open(self) -> Connection:
        with _counting():
            connection = await self._greeted()
        metrics.socket_opens.add("ok")
        log.info("connected to Slack", connections=connection.connections)
        return connection

    async def _greeted(self) -> Connection:
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
        if connection.stands:
            return connection
        await connection.close(connection.reason)
        if connection.reason in ADVICE:
            raise refusal(connection.reason)
        raise SlackUnreachableError(f"its WebSocket ended before the hello ({connection.reason})")

    async def _replacement(self, old: Connection) -> Connection | None:
        """A connection in the place of one that was warned; None when that ended before there was another."""
        while not old.ended.is_set():
            try:
                return await self._open()
            except SocketError as error:
                log.warning("no new connection yet: the old one still stands", error=str(error))
                try:
                    async with asyncio.timeout(AGAIN_SECONDS):
                        await old.ended.wait()
                except TimeoutError:
                    continue
        return None

    def _let_go(self, old: Connection) -> None:
        """Slack ends it: so nothing that it still sends meets a closed door."""

        async def outlive() -> None:
            try:
                async with asyncio.timeout(WARNED_SECONDS):
                    await old.ended.wait()
            except TimeoutError:
                await old.leave(LEAVE_SECONDS)

        self._spawn(outlive(), "replaced socket")

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
def _counting() -> Iterator[None]:
    """Counts what fails, by whether somebody has to do something about it."""
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
