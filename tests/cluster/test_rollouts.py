"""`kubectl rollout restart` at noon, for every size and for the sticky tier itself."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import wait_until
from tests.cluster.conftest import Stacks
from tests.cluster.deployment import as_deployment
from tests.cluster.report import Results
from tests.cluster.restart import restart_under_load
from tests.cluster.traffic import nothing_noticed


@pytest.mark.parametrize(
    ("overlay", "workloads"),
    [
        ("standard", ["statefulset/anchorbolt"]),
        ("standard", ["daemonset/anchorbolt-ingress"]),
        ("workers", ["statefulset/anchorbolt"]),
        ("workers", ["deployment/anchorbolt-worker"]),
        ("stateless", ["statefulset/anchorbolt"]),
    ],
    ids=["standard", "the tier", "the receivers", "the workers", "stateless"],
)
def test_nobody_notices_a_restart(stacks: Stacks, results: Results, overlay: str, workloads: list[str]) -> None:
    """A restart under load fails no first answer, loses nothing, runs nothing twice, keeps the order of lanes."""
    # 1. the size runs, with the tier before it
    stack = stacks(overlay)
    # 2. load, a restart in the middle of it, load
    account, timing = restart_under_load(stack, *workloads)
    results.account("rollouts", f"{overlay}: {workloads[0]}", account, **timing)
    # 3. nobody noticed
    nothing_noticed(account)


def test_nobody_notices_a_restart_of_a_deployment(stacks: Stacks, results: Results) -> None:
    """The same pods as a Deployment lose nothing either; what they cost is that conversations do not come home."""
    # 1. standard with a Deployment in place of the StatefulSet, the tier finding the pods by address
    stack = stacks("standard", change=as_deployment)
    # 2. load, a restart in the middle of it, load
    account, timing = restart_under_load(stack, "deployment/anchorbolt")
    results.account("rollouts", "standard as a Deployment: deployment/anchorbolt", account, **timing)
    # 3. nobody noticed
    nothing_noticed(account)


def test_a_restart_of_simple_loses_no_event(stacks: Stacks, results: Results) -> None:
    """One replica is away while it restarts: answers fail then, Slack's retries bring every event, none runs twice."""
    # 1. one pod, SQLite on a volume
    stack = stacks("simple")
    # 2. load, a restart in the middle of it, load
    account, timing = restart_under_load(stack, "statefulset/anchorbolt", rate=10)
    results.account("rollouts", "simple: statefulset/anchorbolt", account, **timing)
    # 3. users saw errors meanwhile, and every event came through all the same
    failed = account.first_answers_failed()
    assert failed, "one replica cannot restart unnoticed: this test looked at something else"
    assert [sent for sent in account.never_acknowledged() if sent.kind in ("event", "thread")] == []
    assert account.lost() == []
    assert account.run_twice() == {}
    assert account.two_at_once() == []


def test_the_workers_autoscaler_can_ask_its_question(stacks: Stacks) -> None:
    """The SQL of KEDA's scaler runs on the real schema, counts lanes that wait, and is 0 when none does."""
    # 1. the query as the manifest has it
    stack = stacks("workers")
    query = stack.rendered("ScaledObject")["spec"]["triggers"][0]["metadata"]["query"]
    # 2. under load lanes are there
    traffic = stack.traffic(10, work=3)
    wait_until("lanes are counted", lambda: int(stack.psql(query)) > 0, 30)
    assert traffic.end().lost() == []
    # 3. without any, none
    wait_until("no lane is counted", lambda: int(stack.psql(query)) == 0, 30)
