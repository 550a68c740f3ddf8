"""Sends many requests, a bounded number of them at once, and sums up the answers."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from anchorbolt.emulator.player import Ack


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of many requests: a count for each status or failure, and ack times in milliseconds."""

    sent: int
    by_status: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int

    def __str__(self) -> str:
        """One line for a person."""
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(self.by_status.items()))
        times = f"ack p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms, max {self.max_ms:.1f} ms"
        return f"{self.sent} sent; {statuses}; {times}"


async def burst(send_one: Callable[[], Awaitable[Ack]], *, count: int, concurrency: int) -> Summary:
    """Sends `count` requests, at most `concurrency` of them at once."""
    acks: list[Ack] = []
    numbers = iter(range(count))

    async def send_until_done() -> None:
        for _ in numbers:
            acks.append(await send_one())

    async with asyncio.TaskGroup() as group:
        for _ in range(min(count, concurrency)):
            group.create_task(send_until_done())
    return summarize(acks)


def summarize(acks: Sequence[Ack]) -> Summary:
    """Sums up at least one ack."""
    times = sorted(ack.ack_ms for ack in acks)
    by_status = Counter(str(ack.status or ack.failure) for ack in acks)
    return Summary(
        sent=len(acks),
        by_status=dict(by_status),
        p50_ms=round(_percentile(times, 0.50), 2),
        p99_ms=round(_percentile(times, 0.99), 2),
        max_ms=round(times[-1], 2),
        refused=sum(not ack.ok for ack in acks),
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values; `share` is between 0 and 1."""
    return ordered[math.ceil(len(ordered) * share) - 1]
