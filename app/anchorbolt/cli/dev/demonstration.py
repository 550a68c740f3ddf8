"""Sends one request of every kind, and reports what the app did with each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

from anchorbolt.cli.dev.log_lines import Ended
from anchorbolt.cli.dev.show import Row
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.player import Ack
from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.emulator.scene import Scene

END_WITHIN_SECONDS = 10.0
REFUSED_END_WITHIN_SECONDS = 0.5


class Ends:
    """Passes the end of a delivery, as the app's log reports it, to the task that waits for it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[Ended], bool], asyncio.Future[Ended]]] = []

    def expect(self, sample: Sample) -> asyncio.Future[Ended]:
        """Returns a future for the end of this sample's delivery. Call it before the sample is sent.

        For a sample without a key, it is the next end of a delivery of its family.
        """

        def fits(ended: Ended) -> bool:
            return ended.key == sample.key if sample.key is not None else ended.kind == sample.family

        future: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._waiting.append((fits, future))
        return future

    def tell(self, ended: Ended) -> bool:
        """Passes an end on. Returns whether somebody waited for it."""
        for expected in self._waiting:
            fits, future = expected
            if fits(ended):
                self._waiting.remove(expected)
                if not future.done():
                    future.set_result(ended)
                    return True
        return False


class Sender(Protocol):
    """Sends samples over HTTP or in Socket Mode."""

    async def send(self, sample: Sample) -> Ack:
        """Sends one sample, and waits for its ack."""


class Demonstration:
    """Sends one kind after the other, so that the Web API calls between two requests belong to the first of them."""

    def __init__(self, player: Sender, ends: Ends, calls: Calls | None, scene: Scene, prefix: str) -> None:
        self._player = player
        self._ends = ends
        self._calls = calls
        self._scene = scene
        self._prefix = prefix

    async def rows(self, kinds: Iterable[str] = tuple(SAMPLES)) -> AsyncIterator[Row]:
        """Yields a row for each kind, when its delivery has ended or has taken too long."""
        for kind in kinds:
            yield await self._play(make(kind, self._scene))

    async def _play(self, sample: Sample) -> Row:
        before = self._calls.count if self._calls is not None else 0
        end = self._ends.expect(sample)
        ack = await self._player.send(sample)
        if sample.family != "control":
            await asyncio.wait([end], timeout=END_WITHIN_SECONDS if ack.ok else REFUSED_END_WITHIN_SECONDS)
        ended = end.result() if end.done() else None
        end.cancel()
        made = tuple(call.method for call in self._calls.since(before)) if self._calls is not None else ()
        return Row(ack, ended, made, self._prefix)
