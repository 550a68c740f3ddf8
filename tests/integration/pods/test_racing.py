"""Operators who do everything at once, beside pods that claim and one that dies: nothing is lost, doubled or stuck."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from sqlalchemy.engine import make_url

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.operators import check, race, read_states
from tests.support.pods import Pods

LANES, EVENTS = 5, 60
AT_ONCE = 10  # a test that sends sixty at once is so busy that bodies arrive late


@pytest.mark.timeout(300)  # ninety of them are for what waits at the end, on a machine that is busy
async def test_nothing_is_lost_doubled_or_stuck(start_pods: StartPods, slack: Slack, database: str) -> None:
    """Cancelled, skipped, discarded, replayed, run at once, paused and resumed by four at once, while a pod dies: what
    is done has run, nothing more often than it lived, no two of a lane at once, and every lane is empty at the end."""
    pods = await start_pods(3, LEASE_SECONDS=2, RUN_CONCURRENCY=3)
    keys = await events(pods, slack)
    killed = pods[2].app.worker_pid

    def beside() -> PostgresqlDatabase:
        return PostgresqlDatabase(make_url(database))

    async def meanwhile() -> None:
        pods[2].kill()

    operators = await race(beside, keys, meanwhile)
    check(await read_states(beside), pods.listener_log, operators, keys, killed)


async def events(pods: Pods, slack: Slack) -> list[str]:
    """Events over some lanes and all pods, some of which fail at first."""

    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(n: int) -> str:
        text = f"n={n} work=0.0{n % 7}" + (" fail=1" if n % 5 == 0 else "")
        async with at_once:
            ack = await slack.event(pods[n % 3], text, lane=n % LANES)
        assert ack.ok
        return str(ack.sample.key)

    return await asyncio.gather(*(one(n) for n in range(EVENTS)))
