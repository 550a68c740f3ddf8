"""One connection of the app in Socket Mode, on Slack's side."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import WSMsgType, web

PING_EVERY_SECONDS = 5.0
# After so long without any message, Slack gives a connection up.
SILENT_SECONDS = 15.0
CLOSE_SECONDS = 1.0


class Connection:
    """Sends envelopes and receives their acks. `number` counts the connections of an emulator."""

    def __init__(self, number: int, socket: web.WebSocketResponse) -> None:
        self.number = number
        self.is_open = False  # the hello was sent, and as far as Slack knows it is not closed
        self.half_open = False
        self.warned = False
        self.sent = 0
        self.acked = 0
        self.unexpected_acks: list[str] = []  # ids that were acknowledged twice, or without having been sent
        self.ended = asyncio.Event()
        self._socket = socket
        self._heard_at = time.monotonic()
        self._waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = {}
        self._known: set[str] = set()

    async def say(self, message: Mapping[str, Any]) -> None:
        """Sends a message. Over a half-open connection it is lost."""
        if not self.half_open:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_str(orjson.dumps(message).decode())

    async def send(self, envelope: Mapping[str, Any], wait_seconds: float) -> dict[str, Any] | None:
        """Sends an envelope, waits for its ack and returns the payload of the ack. Raises TimeoutError."""
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
        """Receives acks and pongs until the connection ends. What arrives over a half-open one is lost."""
        pinging = asyncio.create_task(self._ping(), name="Slack emulator: ping")
        try:
            async for message in self._socket:
                if self.half_open:
                    continue
                self._heard_at = time.monotonic()
                if message.type == WSMsgType.TEXT:
                    self._acked(orjson.loads(message.data))
                elif message.type == WSMsgType.PING:
                    await self._socket.pong(message.data)
            if self.half_open:  # Slack does not see its end either, and keeps it for a while
                await asyncio.sleep(max(0.0, self._heard_at + SILENT_SECONDS - time.monotonic()))
        finally:
            pinging.cancel()
            self.is_open = False
            self.ended.set()

    async def finish(self) -> None:
        """Stops sending, and waits a moment for the acks of what was sent, as at an end that Slack announced."""
        self.is_open = False
        if self._waiting:
            await asyncio.wait(list(self._waiting.values()), timeout=CLOSE_SECONDS)

    async def close(self) -> None:
        """Closes the connection with a closing handshake that may take a second at most."""
        self.is_open = False
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
            self.unexpected_acks.append(envelope_id)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_SECONDS)
            if time.monotonic() - self._heard_at > SILENT_SECONDS:
                await self.close()
                return
            if not self.half_open:
                with contextlib.suppress(ConnectionError):
                    await self._socket.ping()
