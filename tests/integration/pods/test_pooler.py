"""PgBouncer in transaction mode stands before the database: LISTEN by a second URL, or the poll alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.integration.pods.conftest import Slack
from tests.support import pgbouncer
from tests.support.pgbouncer import PgBouncer
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until


@pytest.fixture
def pooler(shared_postgres: PostgreSQL) -> Iterator[PgBouncer]:
    """A PgBouncer before the server of the session."""
    if pgbouncer.binary() is None:
        missing = "PgBouncer is not installed: apt-get install pgbouncer"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    pooler = PgBouncer(shared_postgres.port)
    yield pooler
    pooler.stop()


@pytest.mark.parametrize("listens", [True, False], ids=["listen url", "none"])
async def test_two_processes_behind_a_pooler(
    database: str, pooler: PgBouncer, tmp_path: Path, slack: Slack, listens: bool
) -> None:
    """Behind a pooler events are run once and in order, a process that ends hands back, one that dies is taken over,
    and every command line works."""
    behind = make_url(database).set(port=pooler.port).render_as_string(hide_password=False)
    settings = {
        "LEASE_SECONDS": 3,
        "DRAIN_TIMEOUT_SECONDS": 0,
        "DATABASE_LISTEN_URL": database if listens else "none",
    }
    async with Pods(tmp_path, behind, 3, each=[settings] * 3) as pods:
        log = pods.listener_log
        # 1. Three lanes, sent to all in turn.
        keys = []
        for n in range(60):
            ack = await slack.event(pods[n % 3], f"n={n}" + (" fail=1" if n % 20 == 7 else ""), lane=n % 6)
            assert ack.ok
            keys.append(str(ack.sample.key))
        await until(lambda: set(log.counts("done")) == set(keys), what="all of them are done")
        done = [entry.key for entry in log.entries("done")]
        assert [[key for key in done if key in keys[lane::6]] for lane in range(6)] == [
            keys[lane::6] for lane in range(6)
        ]
        # 2. One ends: what it ran goes on elsewhere, without its lease running out first.
        handed_back = await slack.event(pods[0], "hold=go", lane=10)
        await log.until_said("start", key=handed_back.sample.key)
        pods[0].app.terminate()
        again = (await log.until_said("start", 2, key=handed_back.sample.key))[1]
        assert (again.attempt, again.crashes) == (1, 0)
        # 3. The next one dies.
        taken_over = await slack.event(pods[1], "hold=go", lane=11)
        await log.until_said("start", key=taken_over.sample.key)
        pods[1].kill()
        log.release("go")
        for ack in (handed_back, taken_over):
            (finished,) = await log.until_said("done", key=ack.sample.key)
            assert {finished.pid} <= pods[2].worker_pids | {again.pid}
        # 4. The command line works behind it too.
        app = pods[2].app
        assert "schema is at revision" in await asyncio.to_thread(app.command_line, "migrate")
        assert "62 done" in await asyncio.to_thread(app.command_line, "inbox", "list")
