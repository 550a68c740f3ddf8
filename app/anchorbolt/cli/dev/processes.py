"""The processes that serve, one after the other, and a spare one that has imported all but the team's app."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping, Sequence

from anchorbolt.cli.dev.child import Child
from anchorbolt.cli.dev.log_lines import LogLine

# What runs when a file is saved has so long to end. Then it is handed back, and the next process runs it from the top.
FINISH_SECONDS = 2.0
# A process that does not end after that is killed.
HASTENED_SECONDS = 10.0
LAST_LINES_WITHIN_SECONDS = 2.0


class Processes:
    """Starts, replaces and ends them."""

    def __init__(
        self,
        environment: Mapping[str, str],
        sockets: Sequence[socket.socket],
        *,
        durable: bool,
        read: Callable[[LogLine], None],
    ) -> None:
        """Starts nothing yet.

        Args:
            environment: that of each process.
            sockets: opened, and inherited by each process.
            durable: whether another process can finish what one hands back. Otherwise it gets all the time it asks for.
            read: called with each line that one of them writes.
        """
        self._environment = environment
        self._starting = asyncio.Lock()
        self._sockets = sockets
        self._durable = durable
        self._read_line = read
        self._all: dict[Child, asyncio.Task[None]] = {}
        self._current: Child | None = None
        self._spare: Child | None = None
        self._ending = False

    async def load(self) -> Child:
        """Lets a process load the app: the spare one, or a new one. The first of them is the current one."""
        child = self._spare or await self._start()
        self._spare = None
        self._current = self._current or child
        child.load()
        return child

    async def keep_a_spare(self) -> None:
        """Starts a process for the next `load`, unless there is one."""
        self._spare = self._spare or await self._start()

    async def _start(self) -> Child:
        # Whoever is cancelled meanwhile must not leave a process behind that nobody knows.
        return await asyncio.shield(asyncio.ensure_future(self._start_one()))

    async def _start_one(self) -> Child:
        async with self._starting:
            # Where everything ends already, the sockets are closed, and the process is told to end at once.
            child = await Child.start(self._environment, () if self._ending else self._sockets)
            self._all[child] = asyncio.create_task(self._read(child), name="read the app's log")
        if self._ending:
            child.drain()
        return child

    async def replace_by(self, child: Child) -> None:
        """Drains the current process, and lets this one serve as soon as that has ended."""
        assert self._current is not None  # noqa: S101 - one was started
        old, self._current = self._current, child
        old.drain()
        if self._durable and not await _ends(old, FINISH_SECONDS):
            old.end()
            if not await _ends(old, HASTENED_SECONDS):
                old.kill()
        await self.forget(old)
        child.serve()

    async def forget(self, child: Child) -> int:
        """Waits for a process's end and its last lines. Returns its exit code."""
        code = await child.wait()
        await asyncio.wait([self._all[child]], timeout=LAST_LINES_WITHIN_SECONDS)
        self._all.pop(child).cancel()
        child.kill()  # what it may have started
        return code

    async def ended(self) -> int:
        """Waits until the current process has ended and, if they were asked to, all others.

        Returns 0 if they ended well, otherwise an exit code.
        """
        while True:
            child = self._current
            assert child is not None  # noqa: S101 - one was started
            code = await child.wait()
            if child is self._current:
                break
        if not self._ending:  # it ended by itself
            self.kill()
            return code
        async with self._starting:  # one that is just being started has the sockets too
            children = list(self._all)
        codes = [(await child.wait(), child.is_ready) for child in children]
        # Before it was ready it may not have taken over its signals yet, and had nothing to drain.
        # A Ctrl-C may reach a process before it has a session of its own.
        by_us = (-signal.SIGTERM, -signal.SIGINT)
        wrong = [code for code, was_ready in codes if code and (was_ready or code not in by_us)]
        return wrong[0] if wrong else 0

    async def last_lines(self) -> None:
        """Waits until all that they wrote was read."""
        if self._all:
            await asyncio.wait(self._all.values(), timeout=LAST_LINES_WITHIN_SECONDS)

    def drain(self) -> None:
        """Asks all of them to drain, and takes no more requests."""
        self._ending = True
        for sock in self._sockets:
            sock.close()
        for child in self._all:
            child.drain()

    def hasten(self) -> None:
        """Asks all of them to hand back what still runs."""
        for child in self._all:
            child.end()

    def kill(self) -> None:
        """Sends SIGKILL to every process that `dev` has started and that still runs."""
        for child in self._all:
            child.kill()

    async def _read(self, child: Child) -> None:
        async for line in child.lines():
            self._read_line(line)


async def _ends(child: Child, within_seconds: float) -> bool:
    try:
        async with asyncio.timeout(within_seconds):
            await child.wait()
    except TimeoutError:
        return False
    return True
