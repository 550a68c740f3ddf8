"""Slack's side: events in conversations, each sent to its pod by a sticky ingress, and again when it was not taken."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.pods import Pod

# Slack's own are 0, 60 and 300 s; a run that lasts two minutes has no time for those.
RETRY_AFTER_SECONDS = (0.5, 3.0, 8.0)


@dataclass
class Account:
    """What Slack knows at the end."""

    sent: int = 0
    requests: int = 0
    acknowledged: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    retries: int = 0
    statuses: Counter[str] = field(default_factory=Counter)


class Traffic:
    """Sends `count` events of `conversations` at `rate` a second; `text` says what each listener does."""

    def __init__(
        self,
        pods: Sequence[Pod],
        conversations: int,
        rate: float,
        text: Callable[[int], str],
        retry_after: Sequence[float] = RETRY_AFTER_SECONDS,
    ) -> None:
        self._pods = pods
        self._conversations = conversations
        self._rate = rate
        self._text = text
        self._retry_after = retry_after
        self.account = Account()
        self._number = itertools.count()

    async def send(self, count: int) -> Account:
        """Sends so many more; returns when Slack has an answer to each, or has given it up."""
        gap = random.Random(7).expovariate
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with client(keep_alive=False, connections=512) as http, asyncio.TaskGroup() as group:
            for n in itertools.islice(self._number, count):
                group.create_task(self._deliver(http, n))
                due += gap(self._rate)
                await asyncio.sleep(max(0.0, due - loop.time()))
        return self.account

    async def _deliver(self, http: httpx.AsyncClient, n: int) -> None:
        conversation = n % self._conversations
        scene = Scene(
            channel_id=f"C0CHAOS{conversation}", thread_ts=f"1700000000.{conversation:06d}", text=self._text(n)
        )
        sample = make("app_mention", scene)
        assert sample.key is not None
        self.account.sent += 1
        for number, seconds in enumerate((0.0, *self._retry_after)):
            await asyncio.sleep(seconds)
            self.account.retries += number > 0
            if await self._through_ingress(http, conversation, sample, number):
                self.account.acknowledged.add(sample.key)
                return
        self.account.given_up.add(sample.key)

    async def _through_ingress(
        self, http: httpx.AsyncClient, conversation: int, sample: Sample, retry_num: int
    ) -> bool:
        """To the conversation's pod; to the next one on 425 or where nobody listens, as the proxies do."""
        for step in range(len(self._pods)):
            pod = self._pods[(conversation + step) % len(self._pods)]
            ack = await Player(http, pod.app.url, EMULATOR_SECRET).send(sample, retry_num=retry_num)
            self.account.requests += 1
            self.account.statuses[str(ack.status or ack.failure)] += 1
            if ack.ok:
                return True
            if ack.status != 425 and ack.failure != "connection_failed":
                return False
        return False
