"""One connection of a server: the head of a request is not too large, and does not take too long.

uvicorn bounds neither, and pays for a long header with the square of its length: one that nobody had signed held up the
whole process, until its master killed it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.errors import RefusedError
from anchorbolt.http.on_the_wire import turned_away
from anchorbolt.http.without_click import HttpToolsProtocol
from anchorbolt.telemetry import metrics
from anchorbolt.timers import Timer, call_later

# Proxies allow 8 to 64 KiB.
MOST_HEAD_BYTES = 65_536


class Loop:
    """What uvicorn's protocol asks of the event loop: each request sets a timer for the idle connection after it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.create_task = loop.create_task
        self.time = loop.time
        self.call_later = call_later


class Connection(HttpToolsProtocol):
    """uvicorn's, with an eye on each head. `head_seconds`: what one may take, once it has begun."""

    def __init__(self, *, head_seconds: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._head_seconds = head_seconds
        self._head_bytes = 0
        self._patience: Timer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """A client that says nothing at all has as long as one that has nothing more to say."""
        super().connection_made(transport)
        self._rest()

    @property
    def is_between(self) -> bool:
        """Whether what comes next begins a request, and is not behind one that waits for its answer."""
        last = self.cycle
        return not self._head_bytes and (last is None or (last.response_complete and not last.more_body))

    def data_received(self, data: bytes) -> None:
        """What comes between two requests, and begins none, is a part of a head."""
        before = self.cycle
        of_a_body = before is not None and before.more_body
        super().data_received(data)
        if of_a_body or self.cycle is not before:
            self._head_bytes = 0
            if self.cycle.response_complete and self.cycle.more_body:
                self._end_of_what_nobody_reads()
            else:
                self._calm()
            return
        if not self._head_bytes:
            self._calm()
            self._patience = call_later(self._head_seconds, self._give_up, RefusedError(408, "slow_head"))
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._give_up(RefusedError(431, "head_too_large"))

    def on_message_complete(self) -> None:
        """uvicorn does not look at what comes after an answer, and would take the end of its body for a part of it.

        Nor would it ever close the connection, which is idle from now on.
        """
        super().on_message_complete()
        if self.cycle.response_complete:
            self.cycle.more_body = False
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._calm()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _rest(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end_of_what_nobody_reads(self) -> None:
        """A body that was answered before it was whole has as long as a head: byte by byte it would take for ever."""
        if self._patience is None:
            self._patience = call_later(self._head_seconds, self.transport.close)

    def _give_up(self, refusal: RefusedError) -> None:
        self._calm()
        if not self.transport.is_closing():
            metrics.refused.add(refusal.word)
            self.transport.write(turned_away(refusal, closes=True))
            self.transport.close()
