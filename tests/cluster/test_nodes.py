"""Nodes are drained, lose power, are cut off; pods are evicted and scaled."""

from __future__ import annotations

import json

import pytest

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.conftest import Stacks
from tests.cluster.deployment import as_deployment
from tests.cluster.kustomization import Change
from tests.cluster.report import Results
from tests.cluster.stack import Stack
from tests.cluster.traffic import UNWRITTEN_SECONDS, Account, nothing_noticed

LEASE_SECONDS = 15


def seconds_until_all_goes_on(account: Account, at: float) -> float:
    """How long after `at` the last run that was cut short then began again elsewhere; 0 if none was."""
    ended = {(line.id, line.pod) for line in account.lines if line.phase == "end"}
    starts = [line for line in account.lines if line.phase == "start"]
    cut = {line.id for line in starts if line.recorded_at < at and (line.id, line.pod) not in ended}
    again = [line.recorded_at - at for line in starts if line.id in cut and line.recorded_at > at]
    return max(again, default=0.0)


def test_a_drained_node_is_noticed_by_nobody(stacks: Stacks, results: Results, cluster: Cluster, away: str) -> None:
    """`kubectl drain` under load fails no first answer, loses nothing, runs nothing twice."""
    # 1. load on pods of both nodes
    stack = stacks("standard")
    traffic = stack.traffic(30)
    traffic.go_on_for(5)
    # 2. a node is drained, and takes pods again
    arguments = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s")
    cluster.kubectl("drain", away, *arguments, seconds=250)
    cluster.kubectl("uncordon", away)
    stack.settled("statefulset/anchorbolt")
    account = traffic.end()
    results.account("nodes", "drain", account, slowest_ack_ms=round(account.slowest_ms()))
    # 3. nobody noticed
    nothing_noticed(account)


def test_two_pods_are_never_evicted_at_once(stacks: Stacks) -> None:
    """The budget lets the first eviction through and refuses the second until the first pod is back."""
    # 1. three ready pods
    stack = stacks("standard")
    stack.settled("statefulset/anchorbolt")
    answers = []
    # 2. two of them are evicted, one right after the other
    for pod in ("anchorbolt-0", "anchorbolt-1"):
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        path = f"/api/v1/namespaces/{stack.namespace}/pods/{pod}/eviction"
        answers.append(stack.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction), check=False))
    # 3. the second is refused
    assert '"Success"' in answers[0]
    assert "disruption budget" in answers[1]
    wait_until("anchorbolt-0 is back", lambda: len(stack.ready_pods()) == 3, 120)


def test_scaling_is_noticed_by_nobody(stacks: Stacks, results: Results) -> None:
    """3 -> 5 -> 2 pods under load fails no first answer, loses nothing, runs nothing twice."""
    # 1. load on three pods
    stack = stacks("standard")
    traffic = stack.traffic(30)
    traffic.go_on_for(5)
    # 2. up, down, and back
    for replicas in (5, 2, 3):
        stack.kubectl("scale", "statefulset/anchorbolt", f"--replicas={replicas}")
        wait_until(f"{replicas} pods", lambda n=replicas: len(stack.ready_pods()) == len(stack.pods()) == n, 180)  # type: ignore[misc]
        traffic.go_on_for(5)
    account = traffic.end()
    results.account("nodes", "scale 3 -> 5 -> 2 -> 3", account, slowest_ack_ms=round(account.slowest_ms()))
    # 3. nobody noticed
    nothing_noticed(account)


def lose_power(stack: Stack, away: str) -> tuple[Account, tuple[float, float], dict[str, float]]:
    """Load by way of the other node while `away` loses power: the account, from when to when it went, and timings."""
    cluster = stack.cluster
    traffic = stack.traffic(20, work=2)
    traffic.go_on_for(10)
    # The power goes between the two: how long things take counts from the first, what may fail ends at the last.
    lost_at = traffic.now()
    cluster.power_off(away)
    gone_at = traffic.now()
    cluster.wait_ready(away, ready=False)
    not_ready = traffic.now() - lost_at
    wait_until("the node is given up", lambda: traffic.now() - lost_at > 100, 110, 1)
    replaced = len(stack.ready_pods())
    account = traffic.end()
    cluster.power_on(away)
    wait_until("three pods again", lambda: len(stack.ready_pods()) == 3, 240)
    timing = {
        "in_flight_at_the_loss": len([sent for sent in account.first_answers_failed() if sent.at < gone_at]),
        "node_not_ready_after_seconds": round(not_ready),
        "all_work_goes_on_after_seconds": round(seconds_until_all_goes_on(account, lost_at), 1),
        "ready_pods_100_s_later": replaced,
        "slowest_ack_ms": round(account.slowest_ms()),
    }
    return account, (lost_at, gone_at), timing


@pytest.mark.parametrize("change", [None, as_deployment], ids=["StatefulSet", "Deployment"])
def test_a_node_that_loses_power_loses_nothing(
    stacks: Stacks, results: Results, away: str, change: Change | None, request: pytest.FixtureRequest
) -> None:
    """By the other node every later first answer is a 200, and what the dead pods ran goes on elsewhere."""
    # 1. three pods on two nodes
    stack = stacks("standard", change=change)
    assert away in {pod["spec"]["nodeName"] for pod in stack.pods()}
    # 2. one node loses power
    account, (lost_at, gone_at), timing = lose_power(stack, away)
    results.account("nodes", f"power loss, {request.node.callspec.id}", account, **timing)
    # 3. nothing is lost; what ran there, and nothing else, began again, a lease and two seconds later at most;
    #    what ended twice had ended as the power went, before its completion could be written
    assert [sent for sent in account.first_answers_failed() if sent.at > gone_at] == [], account.why()
    assert timing["in_flight_at_the_loss"] <= 5
    assert account.lost() == []
    assert account.finished_twice_apart_from(lost_at - UNWRITTEN_SECONDS, gone_at) == {}
    assert timing["all_work_goes_on_after_seconds"] < LEASE_SECONDS + 2
    assert account.two_at_once() == []


def test_a_node_that_is_cut_off_finishes_nothing_twice(
    stacks: Stacks, results: Results, cluster: Cluster, away: str
) -> None:
    """Pods that run on behind a cut finish nothing that others took over and lose nothing; then all is well."""
    # 1. load by way of the other node
    stack = stacks("standard")
    traffic = stack.traffic(20, work=2)
    traffic.go_on_for(10)
    # 2. a node is off the wire for longer than a lease, its pods alone with themselves
    cut_at = traffic.now()
    with cluster.cut_off(away):
        mended_at = traffic.go_on_for(40)[1]
    # 3. after the mend all pods are ready
    cluster.wait_ready(away)
    wait_until("three pods again", lambda: len(stack.ready_pods()) == 3, 240)
    traffic.go_on_for(5)
    account = traffic.end()
    failed = account.first_answers_failed()
    results.account(
        "nodes",
        "cut off for 40 s",
        account,
        all_work_goes_on_after_seconds=round(seconds_until_all_goes_on(account, cut_at), 1),
        failed_answers=account.why(),
    )
    # 4. nothing is lost; what ended twice had ended as the cut came, before its completion could be written
    assert account.lost() == []
    assert account.finished_twice_apart_from(cut_at - UNWRITTEN_SECONDS, cut_at + 3) == {}
    # 5. answers failed on their way into the cut, and where a pod had not yet found its database again, no others
    assert [sent for sent in failed if not any(0 <= sent.at - at + 1 < 6 for at in (cut_at, mended_at))] == []
