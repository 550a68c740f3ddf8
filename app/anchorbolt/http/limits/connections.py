"""Bounds the open connections of a port, so that the others, and the rest of the process, keep file descriptors.

At the bound the connection that has been idle longest is closed for a new one: an idle connection costs its client
nothing, so a bound alone would let anybody keep everybody else out.
"""

from __future__ import annotations

import asyncio
import resource
import time
from typing import Protocol

from anchorbolt.telemetry.logs import get_logger

log = get_logger("http")

# An idle one takes 8 KiB (bench/results/abuse-2026-11-28.json).
MAX_CONNECTIONS = 4_096
# Descriptors for the Web API (200 connections), the database, the probes, files.
RESERVED_DESCRIPTORS = 384
SAY_AGAIN_SECONDS = 60.0


class Connection(Protocol):
    """An accepted connection: a protocol of asyncio's, with its transport."""

    transport: asyncio.Transport


def max_connections() -> int:
    """Returns how many connections the public port may have, below this process's limit on open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(soft // 2, soft - RESERVED_DESCRIPTORS))


class Connections:
    """The connections of one port."""

    def __init__(self, limit: int) -> None:
        self.closes = False  # whether each connection ends with its next response: the process will end soon
        self.ends = False  # whether the port is being closed, so that what comes later finds nobody
        self._limit = limit
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # the one that has been idle longest is the first
        self._say_at = 0.0

    def opened(self, connection: Connection) -> None:
        """A connection was accepted; it is idle."""
        self._open.add(connection)
        self._idle[connection] = None

    def closed(self, connection: Connection) -> None:
        """Forgets a connection that has ended."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def became_busy(self, connection: Connection) -> None:
        """The head of a request has arrived on a connection."""
        self._idle.pop(connection, None)

    def became_idle(self, connection: Connection) -> None:
        """Notes that a connection has no request. The one that is idle longest is closed first to make room."""
        if connection in self._open:
            self._idle[connection] = None

    def make_room(self, arriving: int) -> bool:
        """Returns whether one more connection may be kept, after it closed an idle one if need be.

        `arriving`: how many were accepted and are not known as open yet.
        """
        if len(self._open) + arriving < self._limit:
            return True
        now = time.monotonic()
        if now >= self._say_at:
            self._say_at = now + SAY_AGAIN_SECONDS
            log.warning("too many connections: the one that is idle longest is closed", limit=self._limit)
        if not self._idle:
            return False
        oldest = next(iter(self._idle))
        self.closed(oldest)
        oldest.transport.close()
        return True
