"""SOCKET_CONNECTIONS=single: of three replicas one is connected, and whatever is done to it another one takes over."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.postgresql import PostgreSQL
from tests.support.socket_run import LEASE_SECONDS, gap_of, socket_run
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)


async def test_kills_lose_nothing_and_one_is_connected(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """The connected one is killed, again and again: never two are connected, every acknowledged envelope is done, in
    lane order, and those that nobody acknowledged come again and are done once."""
    async with socket_run(tmp_path, shared_postgres, "single") as run:
        for _ in range(3):
            leader = await run.leader()
            killed_at = time.time()
            await run.faults.kill(leader)
            assert await gap_of(run, killed_at) > 0
        assert await run.problems() == []
        assert run.traffic.most_open == 1


async def test_a_leader_that_is_stopped_for_three_leases_does_no_harm(
    shared_postgres: PostgreSQL, tmp_path: Path
) -> None:
    """Stopped, it cannot close its connection, and Slack still sends to it; when it goes on, it takes nothing that came
    meanwhile, and what came is done once, by whoever took over."""
    async with socket_run(tmp_path, shared_postgres, "single") as run:
        leader = await run.leader()
        (connection,) = run.pods.slack.sockets.open_connections
        await run.faults.stop(leader, 3 * LEASE_SECONDS)
        sent, acked = connection.sent, connection.acked
        await gap_of(run, time.time())
        assert sent > acked
        assert connection.acked == acked
        assert await run.leader() is not leader
        assert await run.problems() == []


async def test_a_leader_without_its_database_closes_before_another_connects(
    shared_postgres: PostgreSQL, tmp_path: Path
) -> None:
    """Cut off from the database, the leader ends its connection by its own clock, and a standby takes over."""
    async with socket_run(tmp_path, shared_postgres, "single") as run:
        leader = await run.leader()
        await run.faults.cut(leader, 3 * LEASE_SECONDS)
        await gap_of(run, time.time())
        assert leader.app.log(
            "the leader lock could not be renewed in time: disconnecting before another process takes it"
        )
        assert await run.leader() is not leader
        assert await run.problems() == []
        assert run.traffic.most_open == 1


async def test_a_leader_without_slack_gives_the_lock_to_one_that_has_it(
    shared_postgres: PostgreSQL, tmp_path: Path
) -> None:
    """Cut off from Slack by packets that vanish, the leader notices the silence, releases the lock, and does not
    take it again until Slack would accept its connection."""
    async with socket_run(tmp_path, shared_postgres, "single") as run:
        leader = await run.leader()
        for relay in leader.slack_relays:
            await relay.silence()
        await leader.app.until_logged("connection to Slack lost")
        await until(lambda: len(run.pods.slack.sockets.connections) == 2, what="another one is connected")
        await gap_of(run, time.time())
        assert await run.leader() is not leader
        assert await leader.app.probe("readyz") == 503
        for relay in leader.slack_relays:
            await relay.mend()
        await leader.app.until_ready()
        assert await run.problems() == []


async def test_a_rollout_hands_over_without_a_gap(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """Each pod is drained, ended and started again: another one is connected before the leader goes, so that
    there is one at every moment."""
    async with socket_run(tmp_path, shared_postgres, "single") as run:
        for pod in run.pods.pods:
            await run.roll(pod)
        assert await run.problems() == []
        assert run.traffic.fewest_open == 1
        assert run.traffic.sockets.most_open_at_once == 2  # for less than it takes to look


async def test_a_leader_that_is_ended_without_a_drain_hands_over_too(
    shared_postgres: PostgreSQL, tmp_path: Path
) -> None:
    """SIGTERM alone, where no hook calls /drain: the lock is free at once, and not after its lease; nothing is lost."""
    async with socket_run(tmp_path, shared_postgres, "single", SOCKET_LEASE_SECONDS=600) as run:
        leader = await run.leader()
        leader.app.terminate()
        assert await leader.app.until_ended() == 0
        await gap_of(run, time.time())
        assert await run.leader() is not leader
        assert await run.problems() == []
