"""Slack and the global balancer: signed requests to one URL, of which a healthy region takes each."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.regions.region import Region

CHECK_EVERY_SECONDS = 0.5
FAILURES_UNTIL_DOWN = 2
CONVERSATIONS = 24


@dataclass
class Account:
    """What Slack knows. Times are of the monotonic clock."""

    events: int = 0
    acknowledged: dict[str, float] = field(default_factory=dict)  # when
    first_failed: int = 0
    retried: int = 0
    given_up: set[str] = field(default_factory=set)
    commands: int = 0
    commands_failed: int = 0
    told: Counter[str] = field(default_factory=Counter)
    stopped_at: float = float("inf")  # from when on only retries were left
    first_ack_ms: list[float] = field(default_factory=list)

    def longest_gap(self, since: float) -> float:
        """The longest time, in seconds, in which no event was acknowledged, from `since` on, while new ones came."""
        moments = sorted(at for at in self.acknowledged.values() if since <= at <= self.stopped_at)
        return max((after - before for before, after in itertools.pairwise([since, *moments])), default=0.0)


class Balancer:
    """Checks the health URL of each region, and sends to those in turn that said 200."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._failures = dict.fromkeys((region.name for region in regions), 0)
        self._turn = itertools.count()
        self.instead: str | None = None  # what the request URL leads to, where the balancer is lost

    async def check(self) -> None:
        """For ever."""
        async with client(connections=8) as http:
            while True:
                checks = (region.health(http) for region in self._regions)
                # Whatever a check ends with: if it ended the checks, a region that was down would stay so unnoticed.
                answers = await asyncio.gather(*checks, return_exceptions=True)
                for region, answer in zip(self._regions, answers, strict=True):
                    self._failures[region.name] = 0 if answer == 200 else self._failures[region.name] + 1
                await asyncio.sleep(CHECK_EVERY_SECONDS)

    def takes(self, region: Region) -> bool:
        """Whether a region gets traffic."""
        return self._failures[region.name] < FAILURES_UNTIL_DOWN

    def choose(self) -> Region:
        """The region whose turn it is."""
        well = [region for region in self._regions if self.takes(region)] or list(self._regions)
        return well[next(self._turn) % len(well)]


class Slack:
    """Sends events and, one in ten, commands, `rate` a second, with Slack's retries of events."""

    def __init__(self, balancer: Balancer, rate: float, retry_after: Sequence[float]) -> None:
        self.balancer = balancer
        self._rate = rate
        self._retry_after = retry_after
        self.account = Account()
        self._stopped = asyncio.Event()
        self._number = itertools.count()

    async def send(self) -> None:
        """Until `stop`; then it waits for what is on its way, retries included."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with client(keep_alive=False, connections=512) as http, asyncio.TaskGroup() as group:
            while not self._stopped.is_set():
                n = next(self._number)
                group.create_task(self._command(http, n) if n % 10 == 9 else self._event(http, n))
                # What a slow machine did not send in time is not sent all at once: it would only fall behind further.
                due = max(due + 1 / self._rate, loop.time())
                await asyncio.sleep(due - loop.time())

    def stop(self) -> None:
        """Sends nothing new any more. What waits for its next retry has a third of that time left."""
        self._stopped.set()
        self.account.stopped_at = time.monotonic()

    async def _event(self, http: httpx.AsyncClient, n: int) -> None:
        lane = n % CONVERSATIONS
        sample = make(
            "app_mention",
            Scene(channel_id=f"C0REGION{lane}", thread_ts=f"1700000000.{lane:06d}", text=f"n={n} work=0.05"),
        )
        assert sample.key is not None
        self.account.events += 1
        for number, seconds in enumerate((None, *self._retry_after)):
            if seconds is not None:
                self.account.retried += 1
                await self._wait(seconds)
            ack = await self._once(http, sample, number)
            if ack.ok:
                self.account.acknowledged[sample.key] = time.monotonic()
                if number == 0:
                    self.account.first_ack_ms.append(ack.ack_ms)
                return
            self.account.first_failed += number == 0
        self.account.given_up.add(sample.key)

    async def _wait(self, seconds: float) -> None:
        """Until the time is over; faster once nothing new comes, but not all at once: that would be too much."""
        if self._stopped.is_set():
            await asyncio.sleep(seconds)
            return
        due = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        await asyncio.sleep(max(0.0, due - time.monotonic()) / 3)

    async def _command(self, http: httpx.AsyncClient, n: int) -> None:
        sample = make("command", Scene(channel_id=f"C0REGION{n % CONVERSATIONS}", text=f"n={n}"))
        self.account.commands += 1
        ack = await self._once(http, sample, 0)
        self.account.commands_failed += not ack.ok

    async def _once(self, http: httpx.AsyncClient, sample: Sample, number: int) -> Ack:
        url = self.balancer.instead or self.balancer.choose().url
        ack = await Player(http, f"{url}/slack/events", EMULATOR_SECRET).send(sample, retry_num=number)
        self.account.told[f"{sample.family} {ack.told}"] += 1
        return ack
