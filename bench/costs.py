"""What one thing costs in an inbox: CPU time here and in PostgreSQL, and time by the clock.

`python -m bench.costs URL` is one of several processes: it accepts and completes, from when its input is closed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.stats import Count
from sqlalchemy.engine import make_url

from bench.processes import cpu

IN_FLIGHT = 32
BODY_BYTES = 1_000
# One measurement ends at the first of the two.
MOST_SECONDS = 4.0
MOST_TIMES = 3_000


@dataclass(frozen=True)
class Cost:
    """What one thing cost: microseconds of CPU here and in PostgreSQL; how long it took; how many a second."""

    axis: str
    database: str
    size: int
    what: str
    times: int
    cpu_us: float
    database_us: float
    median_ms: float
    per_second: float


class Costs:
    """Measures one inbox along one axis. `postgres`: the process of its server, if it has one."""

    def __init__(self, axis: str, inbox: Inbox, postgres: int | None, found: list[Cost]) -> None:
        self._axis = axis
        self._inbox = inbox
        self._postgres = postgres
        self._found = found
        self._names = (f"{secrets.token_hex(4)}-{n}" for n in itertools.count())
        self._lanes = itertools.count()

    async def all_of_it(self, size: int, conversations: int = 1_000, body_bytes: int = BODY_BYTES) -> None:
        """What the axes have in common."""
        await self.cycle(size, conversations, body_bytes)
        await self.claim(size)
        count = Count()
        await self.once(size, "stats", lambda: self._inbox.database.transact(count), most=20)

    async def cycle(self, size: int, conversations: int = 1_000, body_bytes: int = BODY_BYTES) -> None:
        """Accept and complete, 32 at a time."""
        body = "x" * body_bytes

        async def one() -> None:
            # By turns: no two of those in flight are in one conversation, so each is held and none waits.
            lane = f"C{next(self._lanes) % max(conversations, 2 * IN_FLIGHT)}"
            item = Item(f"A1:Ev{next(self._names)}", lane, "event", "application/json", body, None, take=True)
            accepted = await self._inbox.accept(item, time.monotonic() + 60)
            if accepted.held is not None:  # else another process has its lane, or a delivery that waits was first
                await self._inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DONE))

        await self.once(size, "accept + complete", one, most=MOST_TIMES, at_a_time=IN_FLIGHT)

    async def claim(self, size: int) -> None:
        """Claims one lane and hands it back, so that the next finds as much."""

        async def one(most: int) -> None:
            claimed = await self._inbox.claim(most)
            await self._back(claimed.held)

        for most in (1, 50):
            if size >= most:
                await self.once(size, f"claim of {most} + back", lambda most=most: one(most), most=300)  # type: ignore[misc]

    async def go_on(self, size: int) -> None:
        """Ends the oldest of a lane and takes what follows, as a lane in which much waits is worked through."""
        (held,) = (await self._inbox.claim(1)).held
        at: list[Held] = [held]

        async def one() -> None:
            done = Outcome(at[0].lease, at[0].stored.id, End.DONE, go_on=True)
            following = (await self._inbox.complete(done)).following
            assert following is not None
            at[0] = following

        await self.once(size, "complete + next of its lane", one, most=min(size - 2, 1_000))
        await self._back(at)

    async def once(
        self, size: int, what: str, one: Callable[[], Awaitable[Any]], *, most: int, at_a_time: int = 1
    ) -> None:
        """Does it a number of times."""
        times: list[float] = []
        until = time.perf_counter() + MOST_SECONDS
        left = iter(range(most))

        async def work() -> None:
            for _ in left:
                started = time.perf_counter()
                await one()
                times.append(time.perf_counter() - started)
                if time.perf_counter() > until:
                    return

        await one()  # what is prepared and cached the first time
        cpu_before, server_before, began = time.process_time(), self._server_cpu(), time.perf_counter()
        await asyncio.gather(*(work() for _ in range(at_a_time)))
        seconds = time.perf_counter() - began
        ours, server = time.process_time() - cpu_before, self._server_cpu() - server_before
        cost = Cost(
            self._axis,
            self._inbox.database.dialect,
            size,
            what,
            len(times),
            round(ours / len(times) * 1e6, 1),
            round(server / len(times) * 1e6, 1),
            round(statistics.median(times) * 1e3, 2),
            round(len(times) / seconds, 1),
        )
        self._found.append(cost)
        print(json.dumps(asdict(cost)), flush=True)

    def _server_cpu(self) -> float:
        return cpu(self._postgres).total if self._postgres else 0.0

    async def _back(self, held: Sequence[Held]) -> None:
        back = [Outcome(one.lease, one.stored.id, End.HANDED_BACK) for one in held]
        await asyncio.gather(*(self._inbox.complete(outcome) for outcome in back))


async def _one_of_several(url: str) -> None:
    inbox = Inbox(PostgresqlDatabase(make_url(url)), lease_seconds=60)
    await inbox.open()
    await asyncio.to_thread(sys.stdin.read)
    await Costs("processes", inbox, None, []).cycle(1)
    await inbox.flush()
    await inbox.close()


if __name__ == "__main__":
    asyncio.run(_one_of_several(sys.argv[1]))
