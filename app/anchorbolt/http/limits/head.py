"""Limits the head of a request: how large it may be, how many headers it may have, and how long it may take.

uvicorn limits none of these, and its cost grows with the square of the length of a header: one request that nobody had
signed blocked the whole process until its master killed it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.errors import RefusedError
from anchorbolt.http.limits.one_request import OneRequest, StopParsingError

# Proxies allow 8 to 64 KiB.
MAX_HEAD_BYTES = 65_536
# Slack sends some fifteen, and HAProxy passes 101 on. 64 KiB hold 16,000 empty ones, which take 1.6 MB (measured).
MAX_HEADERS = 128
# Those that uvicorn and we act on. They are looked for in one step, because hardly any request has one.
RARE_HEADERS = frozenset({b"expect", b"upgrade"})
TOO_LARGE = RefusedError(431, "head_too_large")
SLOW = RefusedError(408, "slow_head")


class HeadLimits(OneRequest):
    """A connection that answers 431 to a head that is too large and 408 to one that takes too long.

    What goes with a body and is none of it, chunk extensions and trailers, counts as a head too: uvicorn would collect
    it without a limit.
    """

    def __init__(self, *, head_seconds: float, **arguments: Any) -> None:
        """`head_seconds`: how long a head may take, from its first byte. `arguments`: those of uvicorn's protocol."""
        super().__init__(**arguments)
        self.head_seconds = head_seconds
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    @property
    def is_in_a_body(self) -> bool:
        """Whether the head of a request has come, and not all of its body."""
        return self.cycle is not None and self.cycle.more_body

    def parse(self, data: bytes) -> bytes:
        """Passes the data on; what neither belongs to a body nor completes a head or a body is counted."""
        room = MAX_HEAD_BYTES - self._head_bytes
        if len(data) > room and not self.is_in_a_body:
            return self._parse_in_parts(data, room)
        behind = OneRequest.parse(self, data)
        if self._has_ended or self._has_ended_head or self._body_bytes:
            self._head_bytes = 0
            if self._head_timer is not None:
                self._stop_timer()
            return behind
        self._head_bytes += len(data)
        if self.is_in_a_body:
            if self._head_bytes > MAX_HEAD_BYTES:
                self.refuse(TOO_LARGE)
        elif self._head_timer is None and not self.is_over:
            self._head_timer = self.loop.call_later(self.head_seconds, self.refuse, SLOW)
        return behind

    def on_header(self, name: bytes, value: bytes) -> None:
        """uvicorn's hook, without a call of uvicorn's own: there are fifteen headers in a request of Slack's.

        A value is passed on as HTTP defines it: without the white space around it.
        """
        headers = self.headers
        if len(headers) >= MAX_HEADERS:
            self.refusal = TOO_LARGE
            raise StopParsingError
        name, value = name.lower(), value.rstrip(b" \t")
        if name in RARE_HEADERS:
            self.on_rare_header(name, value)
        headers.append((name, value))

    def on_rare_header(self, name: bytes, value: bytes) -> None:
        """Takes note of one of RARE_HEADERS, as uvicorn does."""
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer of a head that will not be completed; called by asyncio when the connection ends."""
        self._stop_timer()
        super().connection_lost(exc)

    def refuse(self, error: RefusedError) -> None:
        """Answers and closes: there is no request yet that an application could be asked about."""
        self._stop_timer()
        super().refuse(error)

    def _parse_in_parts(self, data: bytes, room: int) -> bytes:
        """Passes on as many bytes as a head has `room` for; what is behind is kept only if the head ended within them.

        Returns what is not parsed yet.
        """
        behind = self.parse(data[:room])
        if self._head_bytes >= MAX_HEAD_BYTES:
            self.refuse(TOO_LARGE)
            return b""
        return behind + data[room:]

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
