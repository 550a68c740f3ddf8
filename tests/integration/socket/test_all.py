"""SOCKET_CONNECTIONS=all: every replica is connected, and what one does not take the others do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.socket_mode.envelope import envelope

from tests.support.postgresql import PostgreSQL
from tests.support.socket_run import LEASE_SECONDS, gap_of, socket_run

pytestmark = pytest.mark.timeout(300)


async def test_whatever_is_done_to_one_the_others_go_on(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """A kill, a stop for three leases, a cut from the database and one from Slack, each of one of three: what is
    acknowledged is done, in lane order, and all the time somebody acknowledges."""
    async with socket_run(tmp_path, shared_postgres, "all") as run:
        began = time.time()
        one, two, three = run.pods.pods
        await run.faults.kill(one)
        await run.faults.stop(two, 3 * LEASE_SECONDS)
        await run.faults.cut(three, LEASE_SECONDS)
        for relay in one.slack_relays:
            await relay.silence()
        await one.app.until_logged("connection to Slack lost")
        for relay in one.slack_relays:
            await relay.mend()
        await one.app.until_ready()
        # Slack sends to the dead connection as long as it believes in it; every third event, and not all of them.
        await gap_of(run, began)
        assert await run.problems() == []
        assert run.traffic.most_open == 3


async def test_the_same_event_over_two_connections_runs_once(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """Two processes that get one event at the same moment both acknowledge it, and one of them runs it."""
    async with socket_run(tmp_path, shared_postgres, "all", rate=1) as run:
        one, two, _ = run.pods.slack.sockets.open_connections
        samples = [make("message", replace(Scene(), text=f"n={n} twice=1")) for n in range(20)]
        for sample in samples:
            await asyncio.gather(*(connection.send(envelope(sample), 10) for connection in (one, two)))
            await run.pods.listener_log.until_said("done", key=sample.key)
        starts = run.pods.listener_log.counts("start")
        assert {starts[sample.key or ""] for sample in samples} == {1}
        assert await run.problems() == []


async def test_a_rollout_leaves_two_connected(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """Each pod is drained, ended and started again: what came over its connection is acknowledged first, and what comes
    then goes to the others."""
    async with socket_run(tmp_path, shared_postgres, "all") as run:
        for pod in run.pods.pods:
            await run.roll(pod)
        assert await run.problems() == []
        assert run.traffic.fewest_open == 2


async def test_one_receiver_and_workers(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """One process receives and runs nothing that is stored, two others have no connection and run all of it."""
    async with socket_run(
        tmp_path, shared_postgres, "single", each=[{"ROLE": "receiver"}, {"ROLE": "worker"}, {"ROLE": "worker"}]
    ) as run:
        await gap_of(run, time.time())
        assert run.traffic.most_open == 1
        (receiver, *workers) = run.pods.pods
        ran = {entry.pid for entry in run.pods.listener_log.entries("done")}
        assert ran
        assert ran <= set().union(*(pod.worker_pids for pod in workers))
        assert not ran & receiver.worker_pids
        assert await run.problems() == []
