"""One connection of a server: the head of a request is not too large, and does not take too long.

uvicorn bounds neither, and pays for a long header with the square of its length: one that nobody had signed held up the
whole process, until its master killed it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from app.errors import RefusedError
from app.lifecycle.turnstile import Turnstile
from app.telemetry import metrics

# Proxies allow 8 to 64 KiB.
MOST_HEAD_BYTES = 65_536


class Connection(Turnstile):
    """uvicorn's, with an eye on each head. `head_seconds`: what one may take, once it has begun."""

    def __init__(self, *, head_seconds: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._head_seconds = head_seconds
        self._head_bytes = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """A client that says nothing at all has as long as one that has nothing more to say."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(self.timeout_keep_alive, transport.close)

    def data_received(self, data: bytes) -> None:
        """What comes between two requests, and begins none, is a part of a head."""
        before = self.cycle
        of_a_body = before is not None and before.more_body
        turned_away = self.turned_away
        super().data_received(data)
        if of_a_body or self.cycle is not before or self.turned_away != turned_away:
            self._head_bytes = 0
            self._calm()
            return
        if not self._head_bytes:
            self._calm()
            self._patience = self.loop.call_later(self._head_seconds, self._give_up, RefusedError(408, "slow_head"))
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._give_up(RefusedError(431, "head_too_large"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._calm()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, refusal: RefusedError) -> None:
        self._calm()
        if not self.transport.is_closing():
            metrics.refused.add(refusal.word)
            self.refuse(refusal, close=True)
