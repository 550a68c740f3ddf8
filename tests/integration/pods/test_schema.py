"""Migrations: several at once, a schema that does not fit, and two versions side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from anchorbolt.inbox.tables import REVISION

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.app_process import AppProcess
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until

MAY_LEAVE_SECONDS = 40


def name_of(database: str) -> str:
    """The name at the end of a URL."""
    return database.rpartition("/")[2]


async def test_several_migrate_at_once(shared_postgres: PostgreSQL, tmp_path: Path) -> None:
    """Five that migrate an empty database at the same moment all end well, and one of them did it."""
    url = await asyncio.to_thread(shared_postgres.new_database)
    processes = [
        await asyncio.create_subprocess_exec(
            *AppProcess.command("migrate"), env=AppProcess.bare_environment() | {"DATABASE_URL": url}, cwd=tmp_path
        )
        for _ in range(5)
    ]
    assert [await process.wait() for process in processes] == [0] * 5
    assert shared_postgres.query(name_of(url), "SELECT revision, compatible_from FROM inbox") == f"{REVISION}|1\n"


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DROP TABLE inbox, lane, delivery", "run `anchorbolt migrate`"),
        ("UPDATE inbox SET revision = revision - 1", "run `anchorbolt migrate` with this version of the app"),
        ("UPDATE inbox SET revision = 9, compatible_from = 9", "deploy a newer version of the app"),
    ],
    ids=["none", "too old", "newer and incompatible"],
)
async def test_a_schema_that_does_not_fit(
    database: str, shared_postgres: PostgreSQL, tmp_path: Path, sql: str, says: str
) -> None:
    """The app does not start on a schema that it cannot live with, and says what to do."""
    shared_postgres.query(name_of(database), sql)
    app = AppProcess.start(
        tmp_path, "http://127.0.0.1:9/", DATABASE_URL=database, LISTENERS="tests.support.no_listeners"
    )
    try:
        assert await app.until_ended() != 0
    finally:
        app.kill()
    (line,) = app.log("cannot start")
    assert says in line["error"]


async def test_the_next_version_migrates_while_this_one_runs(
    start_pods: StartPods, database: str, shared_postgres: PostgreSQL, slack: Slack
) -> None:
    """A release that only adds to the schema disturbs nobody who runs, and can be undone: this version also starts on
    it. Once it is marked as incompatible, who runs goes on and nobody starts any more."""
    pods = await start_pods(2)
    log = pods.listener_log
    keys = await slack.events(pods[0], 10, "work=0.02", 3)
    # 1. Expand, in the midst of the load: what the version after this one needs, and this one ignores.
    sending = asyncio.create_task(slack.events(pods[0], 40, "work=0.02", 3))
    await log.until_said("done", 15)
    await asyncio.to_thread(
        shared_postgres.query,
        name_of(database),
        "BEGIN; ALTER TABLE delivery ADD COLUMN next_version text; ALTER TABLE lane ADD COLUMN next_version text;"
        f" CREATE TABLE next_version (id int); UPDATE inbox SET revision = {REVISION + 1}; COMMIT",
    )
    keys += await sending
    await until(lambda: set(log.counts("done")) == set(keys), what="all of them are done")
    assert set(log.counts("start").values()) == {1}
    # 2. This version starts on the newer schema too.
    pods[1].kill()
    await pods[1].start_again()
    assert (await slack.event(pods[1], "", lane=7)).ok
    await log.until_said("done", len(keys) + 1)
    # 3. Contract: the version after the next one uses it, and this one may not start any more.
    await asyncio.to_thread(
        shared_postgres.query,
        name_of(database),
        f"UPDATE inbox SET revision = {REVISION + 2}, compatible_from = {REVISION + 1}",
    )
    assert (await slack.event(pods[0], "", lane=8)).ok
    await log.until_said("done", len(keys) + 2)
    pods[1].kill()
    pods[1].start()
    assert await pods[1].app.until_ended(MAY_LEAVE_SECONDS) != 0
    assert "deploy a newer version" in pods[1].app.log("cannot start")[-1]["error"]


class TestRetention:
    """What has ended goes after its time; dead letters have a longer one."""

    async def test_a_short_retention(
        self, database: str, shared_postgres: PostgreSQL, tmp_path: Path, slack: Slack
    ) -> None:
        """Done rows lose their body, and go after RETENTION_HOURS; dead letters stay until DEAD_RETENTION_DAYS."""
        settings: dict[str, object] = {"MAX_ATTEMPTS": 1, "RETENTION_HOURS": 0.0001, "LEASE_SECONDS": 3}
        dead = "SELECT state, body IS NULL FROM delivery"
        async with Pods(tmp_path, database, 1, each=[settings]) as pods:
            # 1. Many are done, one is a dead letter.
            await slack.events(pods[0], 20, "", 20)
            failed = await slack.event(pods[0], "fail=9", lane=30)
            await pods.listener_log.until_said("done", 20)
            await pods.listener_log.until_said("failed", key=failed.sample.key)
            # 2. A process sweeps when it starts, and once a minute.
            await until(lambda: "live" not in shared_postgres.query(name_of(database), dead), what="nothing is live")
            await asyncio.sleep(0.5)  # older than RETENTION_HOURS, which is 0.36 s
            pods[0].kill()
            await pods[0].start_again()
            await until(
                lambda: shared_postgres.query(name_of(database), dead) == "dead|f\n", what="the dead one is left"
            )
            # 3. Its own time comes.
            pods[0].kill()
            pods[0].environment["DEAD_RETENTION_DAYS"] = "0.000001"
            await pods[0].start_again()
            await until(lambda: shared_postgres.query(name_of(database), dead) == "", what="nothing is left")
