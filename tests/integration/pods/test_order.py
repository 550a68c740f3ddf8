"""A lane runs in the order in which it was accepted, over attempts and processes; places are bounded and shared."""

from __future__ import annotations

import asyncio
import time

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.chaos.faults import Fault
from tests.support.chaos.history import check, runs_of
from tests.support.listener_log import Entry
from tests.support.pods import Pods
from tests.support.waiting import until


def most_at_once(entries: list[Entry], pids: set[int]) -> int:
    """How many listeners ran at the same moment in these processes."""
    now = most = 0
    for entry in entries:
        if entry.pid in pids:
            now += 1 if entry.what == "start" else -1
            most = max(most, now)
    return most


async def test_an_attempt_that_waits_holds_its_lane_and_no_other(start_pods: StartPods, slack: Slack) -> None:
    """What failed comes first again in its lane, after its backoff; other lanes go on meanwhile."""
    pods = await start_pods(2, BACKOFF_BASE_SECONDS=1.5, BACKOFF_CAP_SECONDS=2)
    log = pods.listener_log
    # 1. The first of lane 0 fails twice; two wait behind it, sent to the other process.
    failing = await slack.event(pods[0], "fail=2", lane=0)
    await log.until_said("failed")
    behind = [await slack.event(pods[1], "", lane=0) for _ in range(2)]
    # 2. Other lanes do not wait for it, in either process.
    others = [await slack.event(pod, "", lane=1 + n) for n, pod in enumerate(pods.pods)]
    for ack in others:
        await log.until_said("done", key=ack.sample.key)
    assert log.counts("done").keys() == {ack.sample.key for ack in others}
    # 3. In the end: the order of the lane.
    await log.until_said("done", 5)
    of_lane = [entry.key for entry in log.entries("done") if entry.key not in {ack.sample.key for ack in others}]
    assert of_lane == [ack.sample.key for ack in (failing, *behind)]
    assert [entry.attempt for entry in log.entries("start", str(failing.sample.key))] == [1, 2, 3]


async def test_order_over_drains_takeovers_and_attempts(start_pods: StartPods, slack: Slack) -> None:
    """One process drains and another dies while 90 events of three lanes run, some of which fail at first: each lane
    keeps its order, and only what was killed runs again."""
    pods = await start_pods(3, LEASE_SECONDS=3, DRAIN_TIMEOUT_SECONDS=1)
    log = pods.listener_log
    keys: list[str] = []
    # 1. Events of three lanes go to all three processes in turn.
    for n in range(90):
        text = f"n={n} work=0.05" + (" fail=1" if n % 10 == 3 else "")
        ack = await slack.event(pods[n // 3 % 3], text, lane=n % 3)
        assert ack.ok
        keys.append(str(ack.sample.key))
    # 2. One drains, one is killed, in the midst of it.
    await log.until_said("done", 10)
    pods[0].app.terminate()
    await log.until_said("done", 20)
    killed = Fault("kill", pods[1].worker_pids, time.time())
    pods[1].app.kill()
    # 3. The third one finishes.
    await until(lambda: set(log.counts("done")) == set(keys), what="all of them are done")
    assert await pods[0].app.until_ended() == 0
    order = {key: (str(n % 3), n) for n, key in enumerate(keys)}
    found = check(runs_of(log.entries(), [killed]), [killed], order)
    assert (found.out_of_order, found.at_once, found.unexplained) == ([], [], [])


async def test_run_concurrency_bounds_and_others_help(start_pods: StartPods, slack: Slack) -> None:
    """A process runs RUN_CONCURRENCY deliveries at once and not one more; those that it has no place for run elsewhere,
    though all were sent to it."""
    pods = await start_pods(2, RUN_CONCURRENCY=3, LEASE_SECONDS=30)
    log = pods.listener_log
    # 1. Twenty lanes, all to one process: it takes three, and the other one three.
    keys = await slack.events(pods[0], 20, "hold=go", 20)
    await log.until_said("start", 6)
    for pod in pods.pods:
        assert sum({entry.pid} == pod.worker_pids for entry in log.entries("start")) == 3
    # 2. All get their turn, never more than three in a process.
    log.release("go")
    await until(lambda: set(log.counts("done")) == set(keys), what="all of them are done")
    assert all(most_at_once(log.entries(), pod.worker_pids) <= 3 for pod in pods.pods)
    assert set(log.counts("start").values()) == {1}


async def test_a_long_lane_lets_others_run(start_pods: StartPods, slack: Slack) -> None:
    """With one place for everything, lanes that wait come before the rest of a lane that is never empty."""
    pods = await start_pods(1, RUN_CONCURRENCY=1)
    log = pods.listener_log
    long = await slack.events(pods[0], 30, "work=0.05 hold=go", 1)
    others = [await slack.event(pods[0], "", lane=1 + n) for n in range(3)]
    log.release("go")
    await log.until_said("done", 33)
    done = [entry.key for entry in log.entries("done")]
    last_of_others = max(done.index(str(ack.sample.key)) for ack in others)
    assert last_of_others < done.index(long[-1]) - 5


async def command_line(pods: Pods, *arguments: str) -> str:
    """What `anchorbolt` says, in the environment of a pod."""
    return await asyncio.to_thread(pods[0].app.command_line, *arguments)


async def test_pause_and_resume(start_pods: StartPods, slack: Slack) -> None:
    """After `inbox pause` all processes accept and begin nothing, also one that is full and has more in its lane;
    `inbox resume` lets all of it run, in order."""
    pods = await start_pods(2, RUN_CONCURRENCY=1, LEASE_SECONDS=5)
    log = pods.listener_log
    # 1. Both are full, with something behind what runs.
    keys = await slack.events(pods[0], 6, "hold=go", 2)
    await log.until_said("start", 2)
    # 2. Paused: what runs goes on to its end, and what is behind it does not begin.
    await command_line(pods, "inbox", "pause")
    for pod in pods.pods:
        await pod.app.until_logged("inbox paused: all is accepted, nothing runs")
    log.release("go")
    await log.until_said("done", 2)
    keys += [str((await slack.event(pod, "", lane=5)).sample.key) for pod in pods.pods]
    listed = await command_line(pods, "inbox", "list", "--json")
    assert '"waiting": 6' in listed
    assert len(log.entries("start")) == 2
    # 3. Resumed.
    await command_line(pods, "inbox", "resume")
    await until(lambda: set(log.counts("done")) == set(keys), what="all of them are done")
    assert [entry.key for entry in log.entries("start") if entry.key in keys[0:6:2]] == keys[0:6:2]
