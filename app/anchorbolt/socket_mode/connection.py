"""One WebSocket connection to Slack, from its hello to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType
from slack_sdk.socket_mode.response import SocketModeResponse

from anchorbolt.delivery import json_text
from anchorbolt.socket_mode.envelopes import EnvelopeAnswer
from anchorbolt.socket_mode.message import Disconnect, Envelope, Hello, read
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("socket")

PINGS_PER_SILENCE = 3
CLOSE_SECONDS = 0.5
# Turns of the event loop until what waits in the socket is being answered: its bytes are read, and then its message.
TURNS_TO_READ = 4

# Why a connection ended, where Slack gave no reason. The words are label values of a metric.
CLOSED, SILENT, LEASE_LOST, LEFT = "closed", "silent", "lease_lost", "left"

Receive = Callable[[Envelope], Awaitable[EnvelopeAnswer | None]]


class Connection:
    """Reads envelopes, acknowledges them, and detects by the clock when the connection is dead.

    We send pings regularly, so pongs arrive regularly. Messages that arrive after too long a silence are not worked on:
    this process was stopped, Slack has sent them elsewhere meanwhile, and another process may be the leader.
    """

    def __init__(
        self,
        socket: ClientWebSocketResponse,
        receive: Receive,
        may_receive: Callable[[], bool],
        silent_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.hello = asyncio.Event()
        self.warned = asyncio.Event()  # Slack asks for another connection in its place
        self.ended = asyncio.Event()
        self.reason = CLOSED  # Slack's reason in a disconnect, or one of ours
        self.connections = 0  # how many this app had, by Slack's hello
        self._socket = socket
        self._receive = receive
        self._may_receive = may_receive
        self._silent_seconds = silent_seconds
        self._clock = clock
        self._last_message_at = clock()
        self._acknowledging: set[asyncio.Task[None]] = set()
        self._loops = [spawn(self._read(), "read a socket"), spawn(self._watch(), "watch a socket")]

    @property
    def is_open(self) -> bool:
        """Whether Slack's hello has arrived and the connection has not ended."""
        return self.hello.is_set() and not self.ended.is_set()

    @property
    def silent_for(self) -> float:
        """Seconds since the last message."""
        return self._clock() - self._last_message_at

    async def close(self, reason: str) -> None:
        """Closes the connection at once. Envelopes that are being answered are not acknowledged any more."""
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()
        for loop in self._loops:
            if loop is not asyncio.current_task():
                loop.cancel()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(2 * CLOSE_SECONDS):
                await self._socket.close()

    async def close_gracefully(self, within_seconds: float) -> None:
        """Closes the connection once no envelope is being answered, or when the time is over.

        Envelopes that arrive before that are answered too. One that is on its way just then is lost with the
        connection, and nothing can prevent that: Slack has no way of being told to send no more.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while await self._is_answering():
                    await asyncio.wait(self._acknowledging, return_when=asyncio.FIRST_COMPLETED)
        await self.close(LEFT)

    async def _is_answering(self) -> bool:
        """Whether an envelope is being answered, also one that has arrived and was not read yet."""
        for _ in range(TURNS_TO_READ):
            if self._acknowledging or self.ended.is_set():
                break
            await asyncio.sleep(0)
        return bool(self._acknowledging) and not self.ended.is_set()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.receive()
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    return
                if self.silent_for > self._silent_seconds:
                    self.reason = SILENT
                    return
                self._last_message_at = self._clock()
                if message.type is WSMsgType.PING:
                    await self._socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._handle(message.data)
        except OSError:  # it broke while we wrote
            return
        finally:
            self.ended.set()

    def _handle(self, text: str) -> None:
        match read(text):
            case Hello(connections):
                self.connections = connections
                self.hello.set()
            case Disconnect(reason):
                self.reason = reason
                self.warned.set()
            case Envelope() as envelope:
                if not self._may_receive():
                    self.reason = LEASE_LOST
                    self.ended.set()
                    return
                self._start(self._acknowledge(envelope))
            case None:
                log.debug("a message of an unknown kind was ignored")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = spawn(work, "envelope")
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def _acknowledge(self, envelope: Envelope) -> None:
        answer = await self._receive(envelope)
        if answer is None:
            return
        response = SocketModeResponse(envelope.id, answer.payload)
        try:
            await self._socket.send_str(json_text.write(response.to_dict()))
        except OSError:
            # It is stored or has run. A retry from Slack is recognized by its idempotency key.
            log.warning("the ack could not be sent: the connection has ended", reason=self.reason)

    async def _watch(self) -> None:
        """Sends pings, and closes the connection when nothing has arrived for too long."""
        while True:
            await asyncio.sleep(self._silent_seconds / PINGS_PER_SILENCE)
            if self.silent_for > self._silent_seconds:
                await self.close(SILENT)
                return
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._socket.ping()
            except (OSError, TimeoutError):
                continue  # the reading task or the silence shows how it ended
