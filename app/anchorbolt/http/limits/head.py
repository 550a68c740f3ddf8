"""Limits the head of a request: how large it may be, and how long it may take.

uvicorn limits neither, and its cost grows with the square of the length of a header: one request that nobody had signed
blocked the whole process until its master killed it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.errors import RefusedError
from anchorbolt.http.responses import refusal_as_bytes
from anchorbolt.http.without_click import HttpToolsProtocol
from anchorbolt.telemetry import metrics

# Proxies allow 8 to 64 KiB.
MAX_HEAD_BYTES = 65_536


class HeadLimits(HttpToolsProtocol):
    """A connection of uvicorn's that answers 431 to a head that is too large and 408 to one that takes too long.

    What goes with a body and is none of it, chunk extensions and trailers, counts as a head too: uvicorn would collect
    it without a limit.
    """

    def __init__(self, *, head_seconds: float, **arguments: Any) -> None:
        """`head_seconds`: how long a head may take, from its first byte. `arguments`: those of uvicorn's protocol."""
        super().__init__(**arguments)
        self.head_seconds = head_seconds
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._has_body_grown = False
        self._is_over = False

    def read_no_more(self) -> None:
        """The request in flight is the last one. What the client still sends is read and dropped: a connection that is
        closed over unread bytes is reset, and its last answer may be lost with it.
        """
        self._is_over = True
        self.cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        """Passes the data on; what neither belongs to a body nor completes a head or a body is counted."""
        if self._is_over:
            return
        before = self.cycle
        is_in_a_body = before is not None and before.more_body
        self._has_body_grown = False
        super().data_received(data)
        if self.cycle is not before or (is_in_a_body and (self._has_body_grown or not self.cycle.more_body)):
            self._head_bytes = 0
            self._stop_timer()
            return
        if not is_in_a_body and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._refuse, RefusedError(408, "slow_head"))
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(RefusedError(431, "head_too_large"))

    def on_body(self, body: bytes) -> None:
        """uvicorn's hook."""
        self._has_body_grown = True
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn's hook."""
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, error: RefusedError) -> None:
        """Answers and closes: there is no request yet that an application could be asked about.

        Behind a request that is still being answered nothing is written: its own answer is the last one.
        """
        self._stop_timer()
        if self.transport.is_closing():
            return
        metrics.refused.add(error.word)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            self.read_no_more()
            return
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(refusal_as_bytes(error))
        self.transport.close()
