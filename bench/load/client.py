"""The load generator: kept-alive connections that send prepared bytes, in a closed or an open loop."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

SLACK_WAITS_SECONDS = 3.0
MAX_CONNECTIONS = 2_000
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Outcome:
    """What came back of one phase; latencies in seconds, in an open loop from the moment the request was due."""

    started_at: float = 0.0
    last_answer_at: float = 0.0
    sent: int = 0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    accepted: set[int] = field(default_factory=set)

    @property
    def late(self) -> int:
        """Requests for which Slack would have given up: no answer within 3 s of when they were due."""
        return self.unanswered + sum(latency > SLACK_WAITS_SECONDS for latency in self.latencies)


class Client:
    """Sends the jobs of one phase to one port; used for one phase only."""

    def __init__(self, port: int, requests: Sequence[bytes], first_job: int) -> None:
        self._port = port
        self._requests = requests
        self._first_job = first_job
        self._next = 0
        self._in_flight = 0
        self._closed_until: float | None = None
        self._connections: set[_Connection] = set()
        self._idle: deque[_Connection] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._finished = asyncio.Event()
        self.outcome = Outcome()

    async def closed_loop(self, connections: int, seconds: float) -> Outcome:
        """Keeps `connections` requests in flight for `seconds` or until all are sent: what the server can take."""
        await asyncio.gather(*(self._connect() for _ in range(connections)))
        now = self.outcome.started_at = time.perf_counter()
        self._closed_until = now + seconds
        for connection in list(self._connections):
            self._send_next(connection, time.perf_counter())
        await self._finish(seconds + 10)
        return self.outcome

    async def open_loop(self, rate: float, seed: int) -> Outcome:
        """Sends all requests at random moments, `rate` a second on average, whatever the server does."""
        await asyncio.gather(*(self._connect() for _ in range(64)))
        gap = random.Random(seed).expovariate
        now = self.outcome.started_at = time.perf_counter()
        due, at = [], now
        for _ in self._requests:
            at += gap(rate)
            due.append(at)
        while self._next < len(due):
            now = time.perf_counter()
            while self._next < len(due) and due[self._next] <= now:
                if due[self._next] < now - SLACK_WAITS_SECONDS:
                    self._next += 1  # no connection was free for 3 s: Slack has given it up
                    self.outcome.unanswered += 1
                elif self._idle:
                    self._send_next(self._idle.pop(), due[self._next])
                else:
                    self._grow()
                    break
            await asyncio.sleep(0.001)
        await self._finish(5)
        return self.outcome

    async def _finish(self, seconds: float) -> None:
        if self._in_flight:
            try:
                await asyncio.wait_for(self._finished.wait(), seconds)
            except TimeoutError:
                self.outcome.unanswered += self._in_flight
        for connection in list(self._connections):
            connection.close()
        for task in self._connecting:
            task.cancel()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        self._connections.add(connection)
        self._idle.append(connection)

    def _grow(self) -> None:
        if len(self._connections) + len(self._connecting) < MAX_CONNECTIONS and len(self._connecting) < 64:
            task = asyncio.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _send_next(self, connection: _Connection, due: float) -> None:
        index, self._next = self._next, self._next + 1
        self._in_flight += 1
        self.outcome.sent += 1
        connection.send(self._first_job + index, due, self._requests[index])

    def answered(self, connection: _Connection, status: int) -> None:
        """A whole response is there, or (status 0) the server closed the connection instead."""
        now = time.perf_counter()
        self._in_flight -= 1
        outcome = self.outcome
        outcome.statuses[status] += 1
        outcome.last_answer_at = now
        if status:
            outcome.latencies.append(now - connection.due)
        else:
            outcome.unanswered += 1
        if status == 200:
            outcome.accepted.add(connection.job)
        if self._closed_until is None:
            if status:
                self._idle.append(connection)
            if not self._in_flight and self._next >= len(self._requests):
                self._finished.set()
        elif now < self._closed_until and self._next < len(self._requests) and status:
            self._send_next(connection, now)
        elif not self._in_flight:
            self._finished.set()

    def lost(self, connection: _Connection) -> None:
        """The connection is gone, whoever closed it."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class _Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request in flight."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._buffer = b""
        self._busy = False
        self.job = 0
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def send(self, job: int, due: float, request: bytes) -> None:
        self.job, self.due, self._busy = job, due, True
        self._transport.write(request)

    def close(self) -> None:
        self._busy = False
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if not self._busy:
            return
        if self._buffer:
            data = self._buffer + data
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0 or not _is_whole(data, head_end):
            self._buffer = data
            return
        self._buffer, self._busy = b"", False
        self._client.answered(self, int(data[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lost(self)
        if self._busy:
            self._busy = False
            self._client.answered(self, 0)


def _is_whole(data: bytes, head_end: int) -> bool:
    length = _LENGTH.search(data, 0, head_end)
    if length:
        return len(data) >= head_end + 4 + int(length[1])
    return data.endswith(b"0\r\n\r\n") if b"chunked" in data[:head_end].lower() else True
