"""Several hosts of one PostgreSQL: the one that took us last is tried first, the others soon after, beside it.

After a failover the host that led may refuse, be a standby or say nothing at all. To wait for each in its turn would
cost its whole time, again at every try; the one that leads now answers within a round trip or two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import asyncpg

Host: TypeAlias = tuple[str | None, int | None]
Connect: TypeAlias = Callable[[Host, float], Awaitable[asyncpg.Connection]]

# So long the first is tried alone: a connection to another continent takes some round trips.
ALONE_SECONDS = 0.4
# While one says nothing, the others are asked again: one of them may be promoted meanwhile.
AGAIN_SECONDS = 0.5
FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Race:
    """Remembers which host took us last."""

    def __init__(self) -> None:
        self._last: Host | None = None

    async def run(self, hosts: Sequence[Host], connect: Connect, within_seconds: float) -> asyncpg.Connection:
        """Returns the first connection that stands. Raises the error of a host once all of them have failed."""
        if len(hosts) == 1:
            return await connect(hosts[0], within_seconds)
        loop = asyncio.get_running_loop()
        until = loop.time() + within_seconds
        first = self._last if self._last in hosts else hosts[0]
        alone = asyncio.Event()  # is over: the first has failed, or had its time
        loop.call_later(min(ALONE_SECONDS, within_seconds / 2), alone.set)
        won: asyncio.Future[asyncpg.Connection] = loop.create_future()
        failed: set[Host] = set()

        async def ask(host: Host) -> None:
            if host != first:
                await alone.wait()
            while True:
                try:
                    made = await connect(host, max(0.01, until - loop.time()))
                except FAILURES as error:
                    failed.add(host)
                    alone.set()
                    if len(failed) == len(hosts) and not won.done():
                        won.set_exception(error)
                        return
                    await asyncio.sleep(AGAIN_SECONDS)
                else:
                    if won.done():
                        made.terminate()
                    else:
                        self._last = host
                        won.set_result(made)
                    return

        tasks = [asyncio.ensure_future(ask(host)) for host in hosts]
        try:
            return await won
        finally:
            for task in tasks:
                task.cancel()
