"""The door of Socket Mode: takes its turn, keeps the link to Slack, and tries again without a storm."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

from anchorbolt.errors import SlackRefusesError, SocketError
from anchorbolt.socket_mode.envelopes import Envelopes
from anchorbolt.socket_mode.leadership import Turn
from anchorbolt.socket_mode.link import Link
from anchorbolt.socket_mode.slack import Slack
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("socket")

BACKOFF_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
# What Slack refuses, it refuses again: a token has to be changed, or replicas to go.
REFUSED_SECONDS = 60.0
# A connection that stood for so long was a good one; one that did not is the next step of the backoff.
STABLE_SECONDS = 10.0
# How long a process that ends waits for another one to stand in its place.
HAND_OVER_SECONDS = 2.0


class SocketTransport:
    """Open, this process is connected to Slack whenever it is its turn."""

    def __init__(
        self,
        slack: Slack,
        envelopes: Envelopes,
        turn: Turn,
        *,
        silent_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._envelopes = envelopes
        self._link = Link(slack, envelopes.answer, lambda: turn.ours, silent_seconds=silent_seconds, clock=clock)
        self._turn = turn
        self._clock = clock
        self._trouble: str | None = "not connected to Slack yet"
        self._said: str | None = None
        self._failures = 0
        self._may_enter = asyncio.Event()
        self._away = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.active = False  # it is our turn

    @property
    def trouble(self) -> str | None:
        """Why nothing can come in here, where something should."""
        return None if self._link.standing else self._trouble

    @property
    def connections(self) -> int:
        """How many stand."""
        return self._link.standing

    @property
    def in_flight(self) -> int:
        """How many envelopes are being answered, with the unstored listeners that go on."""
        return self._envelopes.in_flight

    async def open(self) -> None:
        """From now on."""
        self._may_enter.set()
        self._task = spawn(self._run(), "socket mode")

    def hand_over(self) -> None:
        """A drain has begun: another process shall be connected. Until one is, this one goes on."""
        self._may_enter.clear()
        self._turn.hand_over(closing=False)

    def resume(self) -> None:
        """The drain lapsed."""
        self._turn.resume()
        self._may_enter.set()

    async def close(self, within_seconds: float) -> None:
        """Nothing comes in any more. What has come is acknowledged first."""
        until = self._clock() + within_seconds
        self._may_enter.clear()
        self._turn.hand_over(closing=True)
        if self.active:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(HAND_OVER_SECONDS, within_seconds)):
                    await self._away.wait()
        await self._link.leave(max(0.0, until - self._clock()))
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._turn.leave()
        await self._link.close()

    async def _run(self) -> None:
        while True:
            await self._may_enter.wait()
            self._away.clear()
            began = self._clock()
            try:
                wait_seconds = await self._enter(began)
            except SocketError as error:
                wait_seconds = self._failed(error)
            finally:
                self.active = False
            self._away.set()
            await self._turn.leave()
            await asyncio.sleep(wait_seconds)

    async def _enter(self, began: float) -> float:
        """Once. Returns how long to wait before the next time. Raises a SocketError."""
        if self._turn.shared and self._trouble is not None:
            await self._link.knock()  # who could not connect does not ask for the turn of those that can
        await self._turn.take(self._all_is_well)
        self.active = True
        standing = asyncio.ensure_future(self._link.stand(self._stands))
        keeping = asyncio.ensure_future(self._turn.keep())
        try:
            await asyncio.wait([standing, keeping], return_when=asyncio.FIRST_COMPLETED)
            if standing.done():
                return self._lost(standing.result(), began)
            if keeping.result():
                await self._link.leave(HAND_OVER_SECONDS)
            else:
                await self._link.drop()
            return self._backoff()
        finally:
            standing.cancel()
            keeping.cancel()
            await asyncio.gather(standing, keeping, return_exceptions=True)

    def _stands(self) -> None:
        self._all_is_well()
        self._turn.serve()

    def _all_is_well(self) -> None:
        self._trouble = self._said = None

    def _lost(self, reason: str, began: float) -> float:
        self._trouble = f"the connection to Slack was lost ({reason})"
        log.warning("connection to Slack lost", reason=reason)
        self._failures = 0 if self._clock() - began > STABLE_SECONDS else self._failures + 1
        return self._backoff()

    def _failed(self, error: SocketError) -> float:
        self._failures += 1
        self._trouble = str(error)
        if self._trouble != self._said:  # once, however often it is tried
            self._said = self._trouble
            log.error("not connected to Slack", error=self._trouble)
        if isinstance(error, SlackRefusesError):
            return REFUSED_SECONDS * (0.5 + random.random())
        return max(self._backoff(), error.wait_seconds or 0.0)

    def _backoff(self) -> float:
        """Half of it is chance, so that processes that lost Slack at one moment do not come back at one moment."""
        longest = min(BACKOFF_CAP_SECONDS, BACKOFF_SECONDS * 2.0 ** min(self._failures, 10))
        return longest * (0.5 + random.random() / 2)
