"""The app behind the shipped HAProxy while clients that nobody knows begin bodies and do not send them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.ingress.app_pods import AppPods
from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies.haproxy import HAProxy
from tests.support.listener_log import ListenerLog
from tests.support.wire import Wire, unverified_head

# The shipped buffer has 128 KiB: a body that does not fit into it is passed on before it is whole.
PASSED_ON = unverified_head() + b"content-length: 1000000\r\n\r\n{" + b" " * 147_456
KEPT = unverified_head() + b"content-length: 1000\r\n\r\n{"


@asynccontextmanager
async def slow_clients(port: int, beginning: bytes, count: int) -> AsyncIterator[None]:
    """So many clients that begin a request again and again, and never end one."""

    async def one() -> None:
        while True:
            try:
                wire = await Wire.to_port(port)
                await wire.send(beginning)
                await wire.is_closed_after_an_answer()
                wire.hang_up()
            except (OSError, TimeoutError):
                await asyncio.sleep(0.1)

    clients = [asyncio.create_task(one()) for _ in range(count)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


@pytest.mark.parametrize(("beginning", "count"), [(KEPT, 1_000), (PASSED_ON, 210)], ids=["small", "passed-on"])
async def test_signed_requests_pass(tmp_path: Path, beginning: bytes, count: int) -> None:
    """Slow bodies, those that HAProxy waits for and those that it passes on, keep no signed request out."""
    HAProxy.require()
    settings = ListenerLog(tmp_path).environment | {"MAX_IN_FLIGHT": 4, "LOG_LEVEL": "INFO"}
    with Cluster(1).running(stand_ins=False) as cluster:
        async with Emulator() as slack, client(keep_alive=False, connections=4) as http:
            pods = AppPods(cluster, tmp_path, slack.api_url, settings)
            try:
                pods.start(cluster.pods[0])
                await pods.until_ready(cluster.pods[0])
                with HAProxy(cluster, tmp_path).running() as tier:
                    url = f"http://127.0.0.1:{tier.port}/slack/events"
                    player = Player(http, url, EMULATOR_SECRET, wait_seconds=30)
                    async with slow_clients(tier.port, beginning, count):
                        for _ in range(20):
                            assert (await player.send(make("app_mention"))).status == 200
            finally:
                pods.end()
