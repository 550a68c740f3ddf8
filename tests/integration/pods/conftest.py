"""Processes on one database, and Slack, who sends to any of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.pods import Pod, Pods
from tests.support.postgresql import PostgreSQL

StartPods = Callable[..., Awaitable[Pods]]


class Slack:
    """Sends one event or command at a time, and waits longer than Slack: no test is about speed."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def event(self, pod: Pod, text: str, lane: int = 0, *, wait_seconds: float = 15) -> Ack:
        """An event in one of the lanes, to one of the pods."""
        scene = Scene(channel_id=f"C0LANE{lane}", thread_ts=f"1700000000.{lane:06d}", text=text)
        return await self._player(pod, wait_seconds).send(make("app_mention", scene))

    async def send(self, pod: Pod, sample: Sample) -> Ack:
        """Any other request."""
        return await self._player(pod, 15).send(sample)

    async def again(self, pod: Pod, ack: Ack) -> Ack:
        """What was sent before, as a retry."""
        return await self._player(pod, 15).send(ack.sample, retry_num=1)

    async def events(self, pod: Pod, count: int, text: str, lanes: int = 1) -> list[str]:
        """Acknowledged events, one after the other, over some lanes. Their keys, in the order of the inbox."""
        acks = [await self.event(pod, f"n={n} {text}", n % lanes) for n in range(count)]
        assert [ack.status for ack in acks] == [200] * count
        return [str(ack.sample.key) for ack in acks]

    async def of_kind(self, pod: Pod, kind: str, text: str = "") -> Ack:
        """A command, a click or any other kind."""
        return await self._player(pod, 15).send(make(kind, Scene(text=text)))

    def _player(self, pod: Pod, wait_seconds: float) -> Player:
        return Player(self._http, pod.app.url, EMULATOR_SECRET, wait_seconds=wait_seconds)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """Slack's side of the connections: one a request, as Slack's own."""
    async with client(connections=128) as http:
        yield Slack(http)


@pytest.fixture
async def database(shared_postgres: PostgreSQL) -> str:
    """An empty inbox on PostgreSQL: its URL."""
    return await asyncio.to_thread(shared_postgres.new_inbox)


@pytest.fixture
async def start_pods(database: str, tmp_path: Path) -> AsyncIterator[StartPods]:
    """Starts so many processes on it, `NAME=value` for settings, and ends them with the test."""
    async with AsyncExitStack() as stack:

        async def start(count: int, **settings: object) -> Pods:
            settings.setdefault("LEASE_SECONDS", 3)
            pods = Pods(tmp_path, database, count, **settings)  # type: ignore[arg-type]  # `each` is among them
            return await stack.enter_async_context(pods)

        yield start
