"""Slack over sockets: events in lanes at an even rate, each again until it is acknowledged, and an account of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field

from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.socket_mode.player import SocketPlayer
from anchorbolt.emulator.socket_mode.sockets import Sockets

# Slack's own are 0, 60 and 300 s; a test has no time for those.
RETRY_AFTER_SECONDS = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0)


@dataclass
class Sent:
    """One event. Times in seconds since 1970; `acked` is None where Slack gave it up."""

    key: str
    at: float
    acked: float | None = None
    tries: int = 1


@dataclass
class SocketTraffic:
    """Sends `rate` events a second in `lanes` threads until it is told to stop."""

    sockets: Sockets
    lanes: int = 10
    rate: float = 20
    work_seconds: float = 0.02
    sent: list[Sent] = field(default_factory=list)
    fewest_open: int = 10
    most_open: int = 0

    async def send(self, until: asyncio.Event) -> None:
        """Returns when each event has its ack, or was given up."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            while not until.is_set():
                group.create_task(self._deliver(len(self.sent)))
                open_now = len(self.sockets.open_connections)
                self.fewest_open = min(self.fewest_open, open_now)
                self.most_open = max(self.most_open, open_now)
                due += 1 / self.rate
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _deliver(self, n: int) -> None:
        lane = n % self.lanes
        scene = Scene(
            channel_id=f"C0SOCK{lane:03}",
            thread_ts=f"1700000000.{lane:06d}",
            text=f"n={n} work={self.work_seconds}",
        )
        sample = make("message", scene)
        assert sample.key is not None
        sent = Sent(sample.key, time.time())
        self.sent.append(sent)
        acks = await SocketPlayer(self.sockets).deliver(sample, retry_after=RETRY_AFTER_SECONDS)
        sent.tries = len(acks)
        if acks[-1].ok:
            sent.acked = time.time()

    @property
    def acknowledged(self) -> set[str]:
        """The keys that Slack has an ack for."""
        return {sent.key for sent in self.sent if sent.acked is not None}

    def gap_seconds(self, began: float, ended: float) -> float:
        """The longest time in between for which no event was acknowledged at its first try: nobody was there."""
        first = [sent.at for sent in self.sent if sent.tries == 1 and sent.acked and began <= sent.at <= ended]
        moments = [began, *sorted(first), ended]
        return max(after - before for before, after in itertools.pairwise(moments))
