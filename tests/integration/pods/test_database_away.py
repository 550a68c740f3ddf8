"""The database stops, falls silent or breaks a connection at a commit: nothing is lost, and all goes on by itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.pods.conftest import Slack
from tests.support.pods import Pod, Pods
from tests.support.postgresql import PostgreSQL, migrate
from tests.support.relay import AtCommit
from tests.support.waiting import until, until_answer

LEASE_SECONDS = 5.0
DOWN = "store down: events are refused, commands go on unprotected"
UNPROTECTED = "acknowledged without being stored: the database did not take it in time"


async def until_accepted(slack: Slack, pod: Pod, text: str = "", lane: int = 0) -> str:
    """Sends events until one is acknowledged: its key."""

    async def acknowledged() -> str | None:
        ack = await slack.event(pod, text, lane)
        return ack.sample.key if ack.ok else None

    return await until_answer(acknowledged, what="an event is acknowledged")


async def test_the_database_stops_and_comes_back(own_postgres: PostgreSQL, tmp_path: Path, slack: Slack) -> None:
    """While it is away, events are refused, commands are answered and counted, probes stay as they are, and runs end
    before their lease is anybody's; when it is back all goes on without a restart."""
    url = own_postgres.new_database()
    await migrate(url)
    async with Pods(tmp_path, url, 2, LEASE_SECONDS=LEASE_SECONDS) as pods:
        log, pod = pods.listener_log, pods[0]
        workers = [pod.worker_pids for pod in pods.pods]
        held = await slack.event(pod, "hold=go")
        await log.until_said("start")
        # 1. It stops. The first event fails at the deadline, those that follow at once.
        stopped_at = time.time()
        await asyncio.to_thread(own_postgres.stop)
        first = await slack.event(pod, "", lane=1)
        assert first.status in (425, 503)
        await pod.app.until_logged(DOWN)
        refused = [await slack.event(pod, "", lane=n) for n in range(2, 7)]
        assert [ack.status for ack in refused] == [425] * 5
        assert all(ack.ack_ms < 1000 for ack in refused), "at once, not at the deadline of 2.5 s"
        # 2. What a user waits for is answered, and what could not be stored is counted.
        assert (await slack.of_kind(pod, "command", "work=0.1")).status == 200
        assert (await slack.of_kind(pod, "block_actions")).status == 200
        await pod.app.until_logged(UNPROTECTED)
        # 3. Neither probe changes.
        assert [await pod.app.probe(path) for path in ("readyz", "livez")] == [200, 200]
        # 4. The run that cannot renew is cancelled before its lease is over.
        (cancelled,) = await log.until_said("cancelled", key=held.sample.key)
        assert cancelled.at < stopped_at + LEASE_SECONDS
        # 5. It comes back: events are taken, and the cancelled run begins again, in the same processes.
        await asyncio.to_thread(own_postgres.start)
        log.release("go")
        later = await until_accepted(slack, pod, lane=8)
        await log.until_said("done", key=held.sample.key)
        await log.until_said("done", key=later)
        assert [pod.worker_pids for pod in pods.pods] == workers
        # 6. Nothing that was refused ran.
        ran = set(log.counts("start"))
        assert ran.isdisjoint({ack.sample.key for ack in refused})


@pytest.mark.parametrize("where", list(AtCommit), ids=["before", "after"])
async def test_a_connection_breaks_in_the_middle_of_a_commit(
    database: str, tmp_path: Path, slack: Slack, where: AtCommit
) -> None:
    """Events whose commits break, of their accept as of their end, are each run once, whether or not the database did
    the commit."""
    async with Pods(tmp_path, database, 1, LEASE_SECONDS=4) as pods:
        log, pod = pods.listener_log, pods[0]
        keys = []

        async def all_broken() -> bool:
            return await pod.relay.breaks_left() == 0

        for n in range(24):
            # Slack sends again what was not acknowledged.
            await pod.relay.break_commits(where, times=1 + n % 3)
            ack = await slack.event(pod, f"n={n}", lane=n % 4)
            while not ack.ok:
                ack = await slack.again(pod, ack)
            keys.append(str(ack.sample.key))
            await until_answer(all_broken, what="the commits have broken")
        await until(lambda: set(keys) <= set(log.counts("done")), what="all of them are done")
        assert log.counts("start") == Counter(keys)
        in_order = [entry.key for entry in log.entries("start")]
        assert [[key for key in in_order if key in keys[lane::4]] for lane in range(4)] == [
            keys[lane::4] for lane in range(4)
        ]


async def test_silent_connections_are_noticed(database: str, tmp_path: Path, slack: Slack) -> None:
    """A process whose packets vanish notices within seconds and lets its runs go before another takes them; the other
    one is not touched, and all goes on when the network does."""
    async with Pods(tmp_path, database, 2, LEASE_SECONDS=LEASE_SECONDS) as pods:
        log, (silent, other) = pods.listener_log, pods.pods
        held = await slack.event(silent, "hold=go")
        await log.until_said("start")
        # 1. Packets vanish, in all of its connections.
        await silent.relay.silence()
        began = time.monotonic()
        assert not (await slack.event(silent, "", lane=1)).ok
        await silent.app.until_logged(DOWN, within_seconds=6 - (time.monotonic() - began))
        assert (await slack.event(silent, "", lane=2)).status == 425
        # 2. Its run ends, and the other one begins it after that.
        (cancelled,) = await log.until_said("cancelled", key=held.sample.key)
        again = (await log.until_said("start", 2, key=held.sample.key))[1]
        assert again.at > cancelled.at
        assert {again.pid} == other.worker_pids
        assert (await slack.event(other, "", lane=3)).ok
        # 3. The network is back.
        await silent.relay.mend()
        log.release("go")
        key = await until_accepted(slack, silent, lane=4)
        await log.until_said("done", key=key)
        await log.until_said("done", key=held.sample.key)
        assert not other.app.log(DOWN)
