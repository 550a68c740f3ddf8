"""Reads bodies, and bounds those that still arrive: until one is whole nobody knows whether Slack sent it.

They take no slot of MAX_IN_FLIGHT: heads without bodies would take all of them. Where there are too many, the one that
has waited longest gives way, because Slack's bodies are there within milliseconds (docs/decisions/0077).
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

from anchorbolt.errors import RefusedError
from anchorbolt.http.limits.body import TOO_LARGE
from anchorbolt.timers import Timeout

MAX_BODIES = 256
# What the bodies that are not whole may take together; a pod has 512 MiB.
MAX_BYTES = 33_554_432


class _Arriving:
    """A body that is not whole yet."""

    __slots__ = ("size", "timeout")

    def __init__(self, timeout: Timeout) -> None:
        self.timeout = timeout
        self.size = 0


class UnverifiedBodies:
    """The bodies of one process that still arrive, the oldest first."""

    def __init__(self, max_body_bytes: int, *, max_bodies: int = MAX_BODIES, max_bytes: int = MAX_BYTES) -> None:
        """`max_body_bytes` is the limit of one body, `max_bytes` that of all together."""
        self._max_body_bytes = max_body_bytes
        self._max_bodies = max_bodies
        self._max_bytes = max(max_bytes, max_body_bytes)
        self._arriving: dict[_Arriving, None] = {}
        self.bytes = 0

    @property
    def count(self) -> int:
        """How many bodies still arrive."""
        return len(self._arriving)

    def read(self, receive: Receive, read_by: float, *, is_whole: bool = False) -> Coroutine[Any, Any, bytes]:
        """Returns what has to be awaited for the whole body. `read_by` is a time of the event loop's clock.

        `is_whole`: it has arrived already, so that nobody waits for it, as is usual for Slack's.

        Raises RefusedError: 413 when it is too large, 408 when it is not there in time or gave way to newer ones, 400
        when the client went away.
        """
        return self._read(receive, None) if is_whole else self._read_in_time(receive, read_by)

    async def _read_in_time(self, receive: Receive, read_by: float) -> bytes:
        if len(self._arriving) >= self._max_bodies:
            self._give_way()
        timeout = Timeout(read_by)
        arriving = _Arriving(timeout)
        try:
            with timeout:
                self._arriving[arriving] = None
                return await self._read(receive, arriving)
        except TimeoutError:
            raise RefusedError(408, "slow_body") from None
        finally:
            self._forget(arriving)

    async def _read(self, receive: Receive, arriving: _Arriving | None) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusedError(400, "disconnected")
            part: bytes = message.get("body", b"")
            if len(body) + len(part) > self._max_body_bytes:
                raise TOO_LARGE.copy()
            if not body and not message.get("more_body", False):
                return part
            body += part
            if not message.get("more_body", False):
                return bytes(body)
            if arriving is None:
                continue
            arriving.size += len(part)
            self.bytes += len(part)
            while self.bytes > self._max_bytes:
                self._give_way()

    def _give_way(self) -> None:
        oldest = next(iter(self._arriving))
        self._forget(oldest)
        oldest.timeout.expire()

    def _forget(self, arriving: _Arriving) -> None:
        if arriving in self._arriving:
            del self._arriving[arriving]
            self.bytes -= arriving.size
