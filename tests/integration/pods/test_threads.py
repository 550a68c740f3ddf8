"""Synchronous listeners: a thread cannot be stopped, so no second run begins while it or its process lives."""

from __future__ import annotations

import time

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.listener_log import Entry
from tests.support.pods import Pods

LEASE_SECONDS = 3.0
LISTENERS = "tests.support.sync_listeners"
STUCK, CALLING = 3, 3


def of_process(entries: list[Entry], pids: set[int]) -> list[Entry]:
    """What these processes said."""
    return [entry for entry in entries if entry.pid in pids]


async def all_run_elsewhere(pods: Pods, keys: list[str], first: set[int]) -> list[Entry]:
    """Waits until each delivery was done in another process, and looks that no two runs of one lived at once."""
    log = pods.listener_log
    for key in keys:
        await log.until_said("done", key=key, within_seconds=120)
    entries = log.entries()
    for key in keys:
        before = [entry.at for entry in of_process(entries, first) if entry.key == key]
        after = [entry.at for entry in entries if entry.key == key and entry.pid not in first]
        assert max(before) < min(after), "the second run began while the first one lived"
    return [entry for entry in entries if entry.what == "start" and entry.pid not in first]


async def test_threads_that_outlive_the_drain(start_pods: StartPods, slack: Slack) -> None:
    """At SIGTERM a run whose thread ends is handed back at once; one whose thread goes on runs again only when its
    process is gone, which ends with 0. Nothing is lost, though the drain takes longer than a lease."""
    pods = await start_pods(2, LISTENERS=LISTENERS, LEASE_SECONDS=LEASE_SECONDS, DRAIN_TIMEOUT_SECONDS=0.5)
    log, first = pods.listener_log, pods[0].worker_pids
    # 1. Threads that never end by themselves, and threads that make calls: their next call after the drain raises.
    stuck = [str((await slack.event(pods[0], "hold=go", lane)).sample.key) for lane in range(STUCK)]
    lanes = range(STUCK, STUCK + CALLING)
    calling = [str((await slack.event(pods[0], "hold=go api=api.test", lane)).sample.key) for lane in lanes]
    await log.until_said("start", STUCK + CALLING)
    assert of_process(log.entries("start"), first) == log.entries("start")
    # 2. The process is told to end. It ends, though its threads do not.
    pods[0].app.terminate()
    assert await pods[0].app.until_ended() == 0
    ended_at = time.time()
    log.release("go")
    # 3. All of it runs elsewhere, and what ran in living threads only after their process.
    again = {entry.key: entry for entry in await all_run_elsewhere(pods, stuck + calling, first)}
    assert {entry.key for entry in log.entries("cancelled")} == set(calling)
    assert {(again[key].attempt, again[key].crashes) for key in calling} == {(1, 0)}
    assert {(again[key].attempt, again[key].crashes) for key in stuck} == {(2, 1)}
    last_sign = max(entry.at for entry in of_process(log.entries("alive"), first) if entry.key in stuck)
    assert all(last_sign < again[key].at for key in stuck)
    assert last_sign <= ended_at
    assert pods[0].app.log("synchronous listeners go on after the drain: the process ends with them")


async def test_threads_of_a_killed_process(start_pods: StartPods, slack: Slack) -> None:
    """What ran in threads of a process that gets SIGKILL runs elsewhere, after the lease; nothing is lost."""
    pods = await start_pods(2, LISTENERS=LISTENERS, LEASE_SECONDS=LEASE_SECONDS)
    log, first = pods.listener_log, pods[0].worker_pids
    keys = [str((await slack.event(pods[0], "hold=go", lane)).sample.key) for lane in range(STUCK)]
    ack = await slack.of_kind(pods[0], "command", "hold=go")
    assert ack.status == 200
    keys.append(str(ack.sample.key))
    await log.until_said("start", len(keys))
    pods[0].app.kill()
    log.release("go")
    again = await all_run_elsewhere(pods, keys, first)
    assert {entry.crashes for entry in again} == {1}
