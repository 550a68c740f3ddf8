"""Several hosts of one PostgreSQL: the one that took us last is tried first, the others soon after, beside it.

After a failover the host that led may refuse, be a standby or say nothing at all. To wait for each in its turn would
cost its whole time, again at every try; the one that leads now answers within a round trip or two.

One connection of a process searches at a time, and the others wait for what it finds: while nobody leads, each of them
would ask each host again and again, with TLS and a password, while the servers are busy with a promotion.
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
# After a search that found nobody the next one waits so long.
REST_SECONDS = 0.2
FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Race:
    """Remembers which host took us last, and lets one connection search at a time."""

    def __init__(self) -> None:
        self._last: Host | None = None
        self._search: asyncio.Future[Host | Exception | None] | None = None
        self._rests_until = 0.0

    async def run(self, hosts: Sequence[Host], connect: Connect, within_seconds: float) -> asyncpg.Connection:
        """Returns the first connection that stands. Raises the error of a host once all of them have failed.

        Args:
            hosts: of the same database; only one of them may take us.
            connect: makes a connection to one host within so many seconds.
            within_seconds: for all of them together.
        """
        if len(hosts) == 1:
            return await connect(hosts[0], within_seconds)
        loop = asyncio.get_running_loop()
        until = loop.time() + within_seconds
        while (search := self._search) is not None:
            await asyncio.wait({search}, timeout=until - loop.time())
            if not search.done():
                raise TimeoutError(
                    f"none of the {len(hosts)} hosts of DATABASE_URL has taken a connection within {within_seconds:g}"
                    " s: another connection of this process still searches the one that leads"
                )
            found = search.result()
            if isinstance(found, Exception):
                raise found
            if found is not None:
                return await connect(found, max(0.01, until - loop.time()))
        search = loop.create_future()
        self._search = search
        outcome: Host | Exception | None = None  # None: it was cancelled, and another one searches
        try:
            await asyncio.sleep(min(self._rests_until, until) - loop.time())
            made = await self._among(hosts, connect, until)
            outcome = self._last
        except FAILURES as error:
            outcome = error
            self._rests_until = loop.time() + REST_SECONDS
            raise
        finally:
            self._search = None
            search.set_result(outcome)
        return made

    async def _among(self, hosts: Sequence[Host], connect: Connect, until: float) -> asyncpg.Connection:
        loop = asyncio.get_running_loop()
        within_seconds = max(0.01, until - loop.time())
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
