"""`inbox cancel` ends a run wherever it is, and no process goes on with it: neither beside it nor after it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.stopping import Stopping
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.pods import Pods
from tests.support.waiting import until_answer

LEASE_SECONDS = 3.0
SYNC = "tests.support.sync_listeners"


async def command(pods: Pods, number: int, *arguments: str) -> str:
    """What `anchorbolt inbox` says, in the environment of a pod."""
    return await asyncio.to_thread(pods[number].app.command_line, "inbox", *arguments)


async def ended(pods: Pods, number: int, key: str, state: str = "cancelled") -> dict[str, Any]:
    """Waits until a delivery is in this state, and returns what `inbox show` says of it."""

    async def found() -> dict[str, Any] | None:
        shown: dict[str, Any] = json.loads(await command(pods, number, "show", key, "--json"))
        return shown if shown["state"] == state else None

    return await until_answer(found, 60, what=f"{key} is {state}")


async def ask(database: str, key: str) -> None:
    """What `inbox cancel` writes, without its start, which takes longer than the lease of a pod that stands still."""

    def work(connection: Connection) -> None:
        found = Stopping().find(connection, key)
        assert found is not None
        assert found.state == "running"
        Stopping().cancel(connection, found, "ann")

    beside = PostgresqlDatabase(make_url(database))
    await beside.open()
    await beside.transact(work)
    await beside.close()


async def start_of(pods: Pods, slack: Slack, text: str) -> tuple[str, str]:
    """Two deliveries of one lane in pod 0, of which the first one runs; their keys."""
    first = str((await slack.event(pods[0], text)).sample.key)
    await pods.listener_log.until_said("start", key=first)
    return first, str((await slack.event(pods[0], "behind=1")).sample.key)


async def test_a_run_is_cancelled_from_another_pod(start_pods: StartPods, slack: Slack) -> None:
    """The listener is cancelled, what is behind it runs, nothing runs it again; a replay does."""
    pods = await start_pods(2, LEASE_SECONDS=LEASE_SECONDS)
    log = pods.listener_log
    first, behind = await start_of(pods, slack, "hold=go")
    assert f"Cancelled: {first}" in await command(pods, 1, "cancel", first, "--by", "ann")
    await log.until_said("done", key=behind)
    assert [entry.what for entry in log.entries(key=first)] == ["start", "cancelled"]
    assert (await ended(pods, 1, first))["error"] == "cancelled by ann"
    log.release("go")
    await command(pods, 1, "replay", first)
    await log.until_said("done", key=first)


async def test_a_thread_is_refused_its_next_call(start_pods: StartPods, slack: Slack) -> None:
    """A synchronous listener that makes calls ends with the next one, and only then what is behind it begins."""
    pods = await start_pods(2, LEASE_SECONDS=LEASE_SECONDS, LISTENERS=SYNC)
    log = pods.listener_log
    first, behind = await start_of(pods, slack, "hold=go api=api.test")
    assert f"Cancelled: {first}" in await command(pods, 1, "cancel", first)
    await log.until_said("done", key=behind)
    said = [(entry.key, entry.what) for entry in log.entries() if entry.what != "alive"]
    assert said == [(first, "start"), (first, "cancelled"), (behind, "start"), (behind, "done")]


@pytest.mark.parametrize("listeners", ["tests.support.listeners", SYNC])
async def test_a_pod_that_dies_before_it_has_cancelled(
    start_pods: StartPods, slack: Slack, database: str, listeners: str
) -> None:
    """1. The pod stands still when its run is cancelled; 2. it gets SIGKILL; 3. who takes over does not run it."""
    pods = await start_pods(2, LEASE_SECONDS=LEASE_SECONDS, LISTENERS=listeners)
    log = pods.listener_log
    first, behind = await start_of(pods, slack, "hold=never")
    pods[0].app.freeze()
    await ask(database, first)
    pods[0].kill()
    await log.until_said("done", key=behind, within_seconds=60)
    await ended(pods, 1, first)
    assert len(log.entries("start", first)) == 1


@pytest.mark.parametrize("listeners", ["tests.support.listeners", SYNC])
async def test_a_pod_that_drains_while_it_cancels(
    start_pods: StartPods, slack: Slack, database: str, listeners: str
) -> None:
    """A run that is cancelled and SIGTERM in the same moment: no pod runs it again, also if its thread never ends."""
    pods = await start_pods(2, LEASE_SECONDS=LEASE_SECONDS, LISTENERS=listeners, DRAIN_TIMEOUT_SECONDS=0.2)
    log = pods.listener_log
    first, behind = await start_of(pods, slack, "hold=never")
    pods[0].app.freeze()
    await ask(database, first)
    pods[0].app.terminate()
    pods[0].app.thaw()
    assert await pods[0].app.until_ended() == 0
    await log.until_said("done", key=behind, within_seconds=60)
    await ended(pods, 1, first)
    assert len(log.entries("start", first)) == 1
