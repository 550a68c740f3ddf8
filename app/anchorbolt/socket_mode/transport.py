"""The transport of Socket Mode: connects to Slack when this process may, and reconnects with backoff."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

from anchorbolt.errors import SlackRefusesError, SocketError
from anchorbolt.socket_mode.envelopes import Envelopes
from anchorbolt.socket_mode.leadership import Leadership
from anchorbolt.socket_mode.link import Link
from anchorbolt.socket_mode.slack import Slack
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("socket")

BACKOFF_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
# After a refusal that only a person can remedy: a wrong token, too many replicas.
REFUSED_SECONDS = 60.0
# A connection that lasted this long resets the backoff; a shorter one counts as a failure.
STABLE_SECONDS = 10.0
# How long a process that ends waits for another one to be connected in its place.
HAND_OVER_SECONDS = 2.0


class SocketTransport:
    """Keeps this process connected to Slack whenever `leadership` allows it."""

    def __init__(
        self,
        slack: Slack,
        envelopes: Envelopes,
        leadership: Leadership,
        *,
        silent_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._envelopes = envelopes
        self._link = Link(
            slack, envelopes.answer, lambda: leadership.may_receive, silent_seconds=silent_seconds, clock=clock
        )
        self._leadership = leadership
        self._clock = clock
        self._trouble: str | None = "not connected to Slack yet"
        self._logged: str | None = None
        self._failures = 0
        self._may_connect = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.active = False  # this process is meant to be connected

    @property
    def trouble(self) -> str | None:
        """Why no envelope can arrive although it should, or None when all is well."""
        return None if self._link.open_connections else self._trouble

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return self._link.open_connections

    @property
    def in_flight(self) -> int:
        """The number of envelopes that are being answered, with the unstored listeners that still run."""
        return self._envelopes.in_flight

    async def listen(self) -> None:
        """Does nothing: Slack sends nothing to a process that is not connected."""

    async def open(self) -> None:
        """Starts to connect, and to reconnect whenever the connection is lost."""
        self._may_connect.set()
        self._task = spawn(self._run(), "socket mode")

    def hand_over(self) -> None:
        """A drain has begun: another process should connect. This one goes on until another one is connected."""
        self._may_connect.clear()
        self._leadership.hand_over(closing=False)

    def resume(self) -> None:
        """The drain was cancelled because no SIGTERM followed it."""
        self._leadership.resume()
        self._may_connect.set()

    async def close(self, within_seconds: float) -> None:
        """Acknowledges the envelopes that have arrived, within this time, and closes the connections."""
        until = self._clock() + within_seconds
        self._may_connect.clear()
        self._leadership.hand_over(closing=True)
        if self.active:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(HAND_OVER_SECONDS, within_seconds)):
                    await self._disconnected.wait()
        await self._link.close_gracefully(max(0.0, until - self._clock()))
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._leadership.release()
        await self._link.close()

    async def _run(self) -> None:
        while True:
            await self._may_connect.wait()
            self._disconnected.clear()
            began = self._clock()
            try:
                wait_seconds = await self._connect(began)
            except SocketError as error:
                wait_seconds = self._failed(error)
            finally:
                self.active = False
            self._disconnected.set()
            await self._leadership.release()
            await asyncio.sleep(wait_seconds)

    async def _connect(self, began: float) -> float:
        """Connects once, until the connection ends. Returns the seconds to wait before the next attempt.

        Raises a SocketError when Slack cannot be reached or refuses.
        """
        if self._leadership.has_standbys and self._trouble is not None:
            await self._link.check_access()  # without access to Slack, leave the leadership to others
        await self._leadership.acquire(self._clear_trouble)
        self.active = True
        connected = asyncio.ensure_future(self._link.keep_connected(self._on_connected))
        leading = asyncio.ensure_future(self._leadership.hold())
        try:
            await asyncio.wait([connected, leading], return_when=asyncio.FIRST_COMPLETED)
            if connected.done():
                return self._lost(connected.result(), began)
            if leading.result():
                await self._link.close_gracefully(HAND_OVER_SECONDS)
            else:
                await self._link.close_at_once()
            return self._backoff()
        finally:
            connected.cancel()
            leading.cancel()
            await asyncio.gather(connected, leading, return_exceptions=True)

    def _on_connected(self) -> None:
        self._clear_trouble()
        self._leadership.announce_connected()

    def _clear_trouble(self) -> None:
        self._trouble = self._logged = None

    def _lost(self, reason: str, began: float) -> float:
        self._trouble = f"the connection to Slack was lost ({reason})"
        log.warning("connection to Slack lost", reason=reason)
        self._failures = 0 if self._clock() - began > STABLE_SECONDS else self._failures + 1
        return self._backoff()

    def _failed(self, error: SocketError) -> float:
        self._failures += 1
        self._trouble = str(error)
        if self._trouble != self._logged:  # logged once, however often it is tried
            self._logged = self._trouble
            log.error("not connected to Slack", error=self._trouble)
        if isinstance(error, SlackRefusesError):
            return REFUSED_SECONDS * (0.5 + random.random())
        return max(self._backoff(), error.wait_seconds or 0.0)

    def _backoff(self) -> float:
        """The seconds to wait. Half of them are random, so that processes that lost Slack together spread out."""
        longest = min(BACKOFF_CAP_SECONDS, BACKOFF_SECONDS * 2.0 ** min(self._failures, 10))
        return longest * (0.5 + random.random() / 2)
