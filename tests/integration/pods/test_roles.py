"""ROLE=receiver and ROLE=worker: one receives and stores, the other runs."""

from __future__ import annotations

from tests.integration.pods.conftest import Slack, StartPods


async def test_one_receives_and_the_other_runs(start_pods: StartPods, slack: Slack) -> None:
    """A receiver answers Slack and runs what Slack waits for; every event runs in the worker, which has no public
    port."""
    pods = await start_pods(2, each=[{"ROLE": "receiver"}, {"ROLE": "worker"}])
    receiver, worker = pods.pods
    log = pods.listener_log
    # 1. Events run in the worker.
    keys = await slack.events(receiver, 12, "", 3)
    await log.until_said("done", 12)
    assert {entry.pid for entry in log.entries()} == worker.worker_pids
    assert [entry.key for entry in log.entries("start") if entry.key in keys[::3]] == keys[::3]
    # 2. A command runs where its user waits, to its end.
    command = await slack.of_kind(receiver, "command", "work=0.2")
    assert command.status == 200
    done = await log.until_said("done", key=command.sample.key)
    assert {entry.pid for entry in done} == receiver.worker_pids
    # 3. Nobody listens on the worker's public port; both are ready.
    assert (await slack.event(worker, "")).failure == "connection_failed"
    assert [await pod.app.probe("readyz") for pod in pods.pods] == [200, 200]


async def test_a_failed_command_is_tried_again_by_a_worker(start_pods: StartPods, slack: Slack) -> None:
    """What a receiver's command leaves undone after its ack is an attempt that a worker makes."""
    pods = await start_pods(2, each=[{"ROLE": "receiver"}, {"ROLE": "worker"}])
    receiver, worker = pods.pods
    command = await slack.of_kind(receiver, "command", "work=0.1 fail=1")
    assert command.status == 200
    done = await pods.listener_log.until_said("done", key=command.sample.key)
    assert {entry.pid for entry in done} == worker.worker_pids
    assert [entry.attempt for entry in done] == [2]
