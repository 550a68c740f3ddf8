"""Events at a steady rate to whichever process takes them, as Slack sends them through a proxy."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Self

from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import Sample
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

RATE = 20.0
LANES = 12


class Steady:
    """Sends events from its start to its end; what no process takes is sent again, to the next one.

    `urls`: of the processes. `text`: of the events, which also have a number.
    """

    def __init__(self, urls: Sequence[str], text: str = "work=0.02") -> None:
        self.urls = urls
        self.keys: list[str] = []  # of what was acknowledged
        self._text = text
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begins to send."""
        self._task = asyncio.create_task(self._send_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops, once what was sent is acknowledged."""
        self._over.set()
        assert self._task is not None
        await self._task

    async def _send_all(self) -> None:
        async with client(keep_alive=False) as http, asyncio.TaskGroup() as sending:
            players = [Player(http, url, EMULATOR_SECRET, wait_seconds=15) for url in self.urls]
            for n in itertools.count():
                if self._over.is_set():
                    break
                scene = Scene(
                    channel_id=f"C0STEADY{n % LANES}", thread_ts="1700000000.000100", text=f"n={n} {self._text}"
                )
                sending.create_task(self._send(players, make("app_mention", scene), n))
                await asyncio.sleep(1 / RATE)

    async def _send(self, players: Sequence[Player], sample: Sample, n: int) -> None:
        for times in itertools.count():
            ack = await players[(n + times) % len(players)].send(sample, retry_num=min(times, 1))
            if ack.status == 200:
                self.keys.append(str(sample.key))
                return
            assert ack.status in (None, 425), ack
            await asyncio.sleep(0.05)
