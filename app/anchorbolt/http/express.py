"""A connection whose requests go to the receiver below ASGI, where one is there as a whole when its turn comes.

One parse, one task, one write: scope, header list, request cycle and two messages for an answer were a tenth of what an
event costs (docs/decisions/0062). Everything else goes uvicorn's way, as it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from anchorbolt.errors import RefusedError
from anchorbolt.http.answer import Answer, answer
from anchorbolt.http.connection import Connection
from anchorbolt.http.on_the_wire import turned_away, written
from anchorbolt.http.request import Whole
from anchorbolt.http.whole import REQUEST_LINE, Ends, Requests
from anchorbolt.intake import sighting
from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")

# As uvicorn answers then.
CUT_SHORT = answer(500, b"Internal Server Error", (b"content-type", b"text/plain; charset=utf-8"), closes=True)


# What comes while a request is answered is read so far: a connection that is closed over what nobody read takes its
# last answer along.
MOST_AHEAD_BYTES = 65_536


class Answers(Protocol):
    """Who is asked."""

    def turns_away(self) -> RefusedError | None:
        """Why a request is refused before any work, if it is."""

    def answer(self, request: Whole) -> Coroutine[Any, Any, Answer]:
        """What it is answered with."""


class Express(Connection):
    """One at a time: what comes meanwhile waits, and is not even looked at."""

    def __init__(self, *, receiver: Answers, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._receiver = receiver
        self._ends = Ends()
        self._requests = Requests()
        self._task: asyncio.Task[None] | None = None  # that of the request in flight
        self._closes = False  # its answer is the last one
        self._ahead = b""  # what came while it was being answered
        self._answered_at = float("-inf")

    def data_received(self, data: bytes) -> None:
        """The way is chosen between two requests."""
        if self._task is not None:
            self._ahead += data
            if len(self._ahead) > MOST_AHEAD_BYTES:
                self.flow.pause_reading()
        elif (
            not data.startswith(REQUEST_LINE) or not self.is_between or self.flow.write_paused or not self._takes(data)
        ):
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """What is being answered goes on to its end: it may be stored."""
        self._ahead = b""
        self._ends.forget()
        self._requests.forget()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server's end: what is in flight has its answer, and is told that it is the last."""
        if self._task is None:
            super().shutdown()
        else:
            self._closes = True

    def timeout_keep_alive_handler(self) -> None:
        """Answers leave the timer as it was, because that is cheaper: it counts from the last one."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if self._task is not None:
            left = self.timeout_keep_alive
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _takes(self, data: bytes) -> bool:
        """Whether it is a request that is answered here: at once, where that is a refusal."""
        error = self._receiver.turns_away()
        if error is not None:
            if not self._ends.is_one(data):
                return False
            sighting.turned_away(error)
            self._write(turned_away(error, self._ends.closes), self._ends.closes)
            return True
        request = self._requests.read(data)
        if request is None:
            return False
        self._closes = self._requests.closes
        self._task = self.loop.create_task(self._answer(request))
        self.tasks.add(self._task)  # uvicorn waits for it, and cuts it short
        return True

    async def _answer(self, request: Whole) -> None:
        try:
            found = await self._receiver.answer(request)
        except (Exception, asyncio.CancelledError):
            log.exception("a request was cut short")
            found = CUT_SHORT
        self.tasks.discard(self._task)
        self._task = None
        closes = self._closes or found.closes
        self._write(written(found, self.server_state.default_headers, closes), closes)
        if self._ahead and not self.transport.is_closing():
            ahead, self._ahead = self._ahead, b""
            self.flow.resume_reading()
            self.data_received(ahead)

    def _write(self, answer: bytes, closes: bool) -> None:
        self._answered_at = self.loop.time()
        if not self.transport.is_closing():
            self.transport.write(answer)
            if closes:
                self.transport.close()
