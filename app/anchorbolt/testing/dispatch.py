"""Dispatches a request through the team's app as the server does, without HTTP and without an inbox."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind, parse
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.requests import Sample
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.errors import as_exception
from anchorbolt.testing.loop_thread import LoopThread

ACK_SECONDS = 2.5  # the default of ACK_DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Ended:
    """How Slack was answered, and how the run ended."""

    status: int
    body: str
    listener: str | None
    error: Exception | None


class Dispatch:
    """Runs requests in the app's loop."""

    def __init__(self, bolt: BoltApp, loop: LoopThread) -> None:
        self._bolt = bolt
        self._loop = loop

    def run(self, sample: Sample, within_seconds: float) -> Ended:
        """Runs a request until all of it has ended. Raises TimeoutError; a listener's error is in what it returns.

        An event is acknowledged before its listener runs, as by the inbox; for all else, the ack is the answer.
        """
        delivery = cast("Delivery", parse(sample.body, sample.content_type))  # no request is written down as a control
        headers = request_headers(sample, EMULATOR_SECRET)
        delivery.headers = {name.lower(): value for name, value in headers.items()}
        # The clock of an event loop is this one.
        ack_by = None if delivery.kind is Kind.EVENT else time.monotonic() + ACK_SECONDS
        run = Run(delivery, Attempt(delivery.key, delivery.kind), ack_by=ack_by)
        run.fails_for_good = True
        going = self._loop.start(self._to_the_end(run))
        try:
            return going.result(within_seconds)
        except TimeoutError:
            if going.done():
                raise
            self._loop.soon(run.calls.reset)  # it must not speak in the midst of the next test
            self._loop.soon(run.cancel)
            going.cancel()
            raise TimeoutError(f"{run.listener or 'the app'} still runs after {within_seconds:g} s") from None

    async def _to_the_end(self, run: Run) -> Ended:
        status, body = 503, '{"error": "listener_failed"}'
        try:
            response = await self._bolt.answer(run)
            status, body = response.status, response.body
        except Exception as error:  # a middleware's, or Bolt's own: the server answers the same
            run.fail(as_exception(error))
        await run.wait()
        await self._bolt.conclude_failure(run)
        if run.delivery.kind is Kind.EVENT:
            status, body = 200, ""
        return Ended(status, body, run.listener, run.error)
