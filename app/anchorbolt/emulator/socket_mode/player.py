"""Plays Slack's part in Socket Mode: envelopes, 3 s for each ack, and retries of events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import orjson

from anchorbolt.emulator.player import RETRY_AFTER_SECONDS, SLACK_WAITS_SECONDS, Ack
from anchorbolt.emulator.samples import Sample
from anchorbolt.emulator.socket_mode.envelope import envelope
from anchorbolt.emulator.socket_mode.sockets import NoConnectionError, Sockets

# The only retry reason that Slack was seen to send here, also where no connection was open.
TIMEOUT = "timeout"


class SocketPlayer:
    """Sends samples over the app's connections."""

    def __init__(self, sockets: Sockets, *, wait_seconds: float = SLACK_WAITS_SECONDS) -> None:
        self._sockets = sockets
        self._wait_seconds = wait_seconds

    async def send(self, sample: Sample, *, retry_num: int = 0, retry_reason: str | None = None) -> Ack:
        """Sends a request as one envelope, and waits for its ack no longer than Slack does.

        `retry_num` and `retry_reason`: those of Slack's retry, 0 for a first try. `Ack.body` is the payload of the ack
        as JSON.
        """
        sent = envelope(sample, retry_attempt=retry_num, retry_reason=retry_reason or "")
        began = time.perf_counter()
        try:
            payload = await self._sockets.send(sent, self._wait_seconds)
        except (TimeoutError, NoConnectionError):
            return Ack(sample, None, _ms_since(began), retry_num=retry_num, failure=TIMEOUT)
        body = b"" if payload is None else orjson.dumps(payload)
        return Ack(sample, None, _ms_since(began), body, retry_num=retry_num)

    async def deliver(self, sample: Sample, *, retry_after: Sequence[float] = RETRY_AFTER_SECONDS) -> list[Ack]:
        """Sends an envelope and, for an event that was not acknowledged, Slack's retries.

        `retry_after` holds the seconds before each retry. Returns every ack, the last one last.
        """
        acks = [await self.send(sample)]
        for number, seconds in enumerate(retry_after if sample.family == "event" else (), start=1):
            if acks[-1].ok:
                break
            await asyncio.sleep(seconds)
            acks.append(await self.send(sample, retry_num=number, retry_reason=TIMEOUT))
        return acks


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
