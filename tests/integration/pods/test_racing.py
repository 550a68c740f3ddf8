"""Operators who do everything at once, beside pods that claim and one that dies: nothing is lost, doubled or stuck."""

from __future__ import annotations

import pytest
from anchorbolt.emulator.player import Ack
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from sqlalchemy.engine import make_url

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.operators import check, race, read_states, send_events


@pytest.mark.timeout(300)  # ninety of them are for what waits at the end, on a machine that is busy
async def test_nothing_is_lost_doubled_or_stuck(start_pods: StartPods, slack: Slack, database: str) -> None:
    """Cancelled, skipped, discarded, replayed, run at once, paused and resumed by four at once, while a pod dies: what
    is done has run, nothing more often than it lived, no two of a lane at once, and every lane is empty at the end."""
    pods = await start_pods(3, LEASE_SECONDS=2, RUN_CONCURRENCY=3)

    async def send(n: int, text: str, lane: int) -> Ack:
        ack = await slack.event(pods[n % 3], text, lane=lane)
        assert ack.ok
        return ack

    keys = await send_events(send)
    killed = pods[2].app.worker_pid

    def beside() -> PostgresqlDatabase:
        return PostgresqlDatabase(make_url(database))

    async def meanwhile() -> None:
        pods[2].kill()

    operators = await race(beside, keys, meanwhile)
    check(await read_states(beside), pods.listener_log, operators, keys, killed)
