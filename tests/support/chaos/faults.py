"""What is done to the processes and their database meanwhile, and when, so that what comes of it can be told apart."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.pods import Pod
from tests.support.postgresql import PostgreSQL


@dataclass
class Fault:
    """One of them, in seconds since 1970. `pids`: whom it hits; None: everybody."""

    what: str  # kill, stop, cut, restart
    pids: set[int] | None
    began: float
    ended: float = float("inf")

    def hits(self, pid: int) -> bool:
        """Whether it is about this process."""
        return self.pids is None or pid in self.pids


class Faults:
    """Does them, one at a time for each pod."""

    def __init__(self, pods: list[Pod], server: PostgreSQL) -> None:
        self._pods = pods
        self._server = server
        self._busy = {pod.number: asyncio.Lock() for pod in pods}
        self._chance = random.Random(11)
        self.done: list[Fault] = []

    async def kill(self, pod: Pod, down_seconds: float = 0.5) -> None:
        """SIGKILL, and a new process a moment later."""
        async with self._busy[pod.number]:
            with self._noted("kill", pod.worker_pids):
                pod.app.kill()
            await asyncio.sleep(down_seconds)
            await pod.start_again()

    async def stop(self, pod: Pod, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so much later."""
        async with self._busy[pod.number]:
            with self._noted("stop", pod.worker_pids):
                pod.app.freeze()
                await asyncio.sleep(seconds)
                pod.app.thaw()

    async def cut(self, pod: Pod, seconds: float, *, silent: bool = True) -> None:
        """No way to the database: packets vanish, or connections are refused."""
        async with self._busy[pod.number]:
            with self._noted("cut", pod.worker_pids):
                if silent:
                    await pod.relay.silence()
                else:
                    await pod.relay.refuse()
                await asyncio.sleep(seconds)
                await pod.relay.mend()

    async def restart(self) -> None:
        """The database ends, and starts again."""
        with self._noted("restart", None):
            await asyncio.to_thread(self._server.restart)

    async def kill_one_after_the_other(self, every_seconds: float) -> None:
        """For ever: a process that is not in trouble otherwise."""
        while True:
            await asyncio.sleep(every_seconds)
            well = [pod for pod in self._pods if not self._busy[pod.number].locked()]
            if len(well) > 1:
                await self.kill(self._chance.choice(well))

    @contextmanager
    def _noted(self, what: str, pids: set[int] | None) -> Iterator[None]:
        fault = Fault(what, pids, time.time())
        self.done.append(fault)
        yield
        fault.ended = time.time()
