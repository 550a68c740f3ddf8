"""One connection of an app, as Slack sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import WSMsgType, web

PING_EVERY_SECONDS = 5.0
# Nothing was heard for so long: Slack gives a connection up.
SILENT_SECONDS = 15.0
CLOSE_SECONDS = 1.0


class Connection:
    """Sends envelopes and hears their acks. `number` counts the connections of a stand-in."""

    def __init__(self, number: int, socket: web.WebSocketResponse) -> None:
        self.number = number
        self.stands = False  # greeted, and not closed as far as Slack knows
        self.half_open = False
        self.warned = False
        self.sent = 0
        self.acked = 0
        self.strange: list[str] = []  # what was acknowledged and not sent, or twice
        self.ended = asyncio.Event()
        self._socket = socket
        self._heard_at = time.monotonic()
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = {}
        self._known: set[str] = set()

    async def say(self, message: Mapping[str, Any]) -> None:
        """Sends a message; into the void where the connection is half open."""
        if not self.half_open:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_str(orjson.dumps(message).decode())

    async def send(self, envelope: Mapping[str, Any], wait_seconds: float) -> dict[str, Any] | None:
        """Sends an envelope and waits for its ack: the payload in it. Raises TimeoutError."""
        envelope_id = envelope["envelope_id"]
        acked = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        self._known.add(envelope_id)
        self.sent += 1
        try:
            async with asyncio.timeout(wait_seconds):
                await self.say(envelope)
                payload: dict[str, Any] | None = await acked
                return payload
        finally:
            del self._waiting[envelope_id]

    async def read(self) -> None:
        """Hears acks and pongs until the connection ends. What comes over a half-open one is lost."""
        pinging = asyncio.create_task(self._ping(), name="stand-in: ping")
        try:
            async for message in self._socket:
                if self.half_open:
                    continue
                self._heard_at = time.monotonic()
                if message.type == WSMsgType.TEXT:
                    self._acked(orjson.loads(message.data))
                elif message.type == WSMsgType.PING:
                    await self._socket.pong(message.data)
            if self.half_open:  # its end did not get through either: Slack believes in it for a while
                await asyncio.sleep(max(0.0, self._heard_at + SILENT_SECONDS - time.monotonic()))
        finally:
            pinging.cancel()
            self.stands = False
            self.ended.set()

    async def finish(self) -> None:
        """Sends nothing more, and gives what was sent a moment to be acknowledged: an end that was announced."""
        self.stands = False
        if self._waiting:
            await asyncio.wait(list(self._waiting.values()), timeout=CLOSE_SECONDS)

    async def close(self) -> None:
        """Ends it politely, but not for long."""
        self.stands = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close()

    def _acked(self, answer: Mapping[str, Any]) -> None:
        envelope_id = str(answer.get("envelope_id"))
        future = self._waiting.get(envelope_id)
        if future is not None and not future.done():
            self.acked += 1
            future.set_result(answer.get("payload"))
        elif envelope_id not in self._known or (future is not None and future.done()):
            self.strange.append(envelope_id)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_SECONDS)
            if time.monotonic() - self._heard_at > SILENT_SECONDS:
                await self.close()
                return
            if not self.half_open:
                with contextlib.suppress(ConnectionError):
                    await self._socket.ping()
