"""Socket Mode: no ingress, envelopes from the Slack emulator in the cluster, restarts, and a node that is lost."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from anchorbolt.emulator.samples import SAMPLES
from anchorbolt.emulator.socket_mode.envelope import is_sent_over_sockets

from tests.cluster.cluster import wait_until
from tests.cluster.conftest import Stacks
from tests.cluster.report import Results
from tests.cluster.restart import restart_under_load
from tests.cluster.stack import Stack
from tests.cluster.traffic import UNWRITTEN_SECONDS, nothing_noticed
from tests.manifests.render import SOCKET_MODE


def open_connections(stack: Stack) -> int:
    """How many connections are open, as far as the emulator knows."""
    path = f"/api/v1/namespaces/{stack.namespace}/services/anchorbolt-slack:3002/proxy/sockets"
    return len(json.loads(stack.cluster.kubectl("get", "--raw", path))["open"])


def leader(stack: Stack) -> str:
    """The pod that holds the leader lock in the database; empty while none does."""
    return stack.psql("SELECT owner FROM seat WHERE served = 1").rpartition("-")[0]


def node_of(stack: Stack, pod: str) -> str:
    """Where a pod runs."""
    return str(stack.get("pod", pod)["spec"]["nodeName"])


def connect_on(stack: Stack, node: str) -> None:
    """Restarts the leader until one on this node is the leader."""
    for _ in range(10):
        wait_until("one is connected", lambda: bool(leader(stack)) and len(stack.ready_pods()) == 3, 120)
        if node_of(stack, pod := leader(stack)) == node:
            return
        stack.kubectl("delete", "pod", pod)
    raise AssertionError(f"nobody on {node} became the leader")


@pytest.mark.parametrize(("overlay", "connections"), [("socket-single", 1), ("socket-workers", 2)])
def test_every_kind_comes_in_over_the_connections(stacks: Stacks, overlay: str, connections: int) -> None:
    """As many pods connect as the overlay says, and every kind that Socket Mode has is acknowledged in time."""
    # 1. who is connected
    stack = stacks(overlay)
    wait_until("connected", lambda: open_connections(stack) == connections, 30)
    # 2. one envelope of every kind
    played = list(stack.play())
    # 3. each was acknowledged, and listeners called the Web API
    assert [line["kind"] for line in played] == list(filter(is_sent_over_sockets, SAMPLES))
    assert {line["kind"]: line["status"] for line in played if line["status"] != 200} == {}
    assert "chat.postMessage" in {method for line in played for method in line["calls"]}


@pytest.mark.parametrize(
    ("overlay", "workload"),
    [
        ("socket-single", "statefulset/anchorbolt"),
        ("socket-workers", "statefulset/anchorbolt"),
        ("socket-workers", "deployment/anchorbolt-worker"),
    ],
    ids=["the connected one and its standbys", "the receivers", "the workers"],
)
def test_nobody_notices_a_restart(stacks: Stacks, results: Results, overlay: str, workload: str) -> None:
    """A restart under load leaves no gap: every envelope is acknowledged at its first sending, and done once."""
    # 1. Slack sends to whoever is connected
    stack = stacks(overlay)
    # 2. load, a restart in the middle of it, load
    account, timing = restart_under_load(stack, workload)
    results.account("socket mode", f"{overlay}: {workload} restarted", account, **timing)
    # 3. nobody noticed
    nothing_noticed(account)


@pytest.mark.parametrize("overlay", SOCKET_MODE)
def test_a_connected_pod_that_loses_power_loses_nothing(
    stacks: Stacks, results: Results, away: str, overlay: str
) -> None:
    """Slack sends for a while to a connection that nobody reads; it sends again, and every event is done once."""
    # 1. one that is connected runs on the node that will be lost
    stack = stacks(overlay)
    if overlay == "socket-single":
        connect_on(stack, away)
    receivers = stack.ready_pods()
    assert away in {node_of(stack, pod) for pod in receivers}
    traffic = stack.traffic(20, work=2)
    traffic.go_on_for(5)
    # 2. that node loses power
    lost_at = traffic.now()
    stack.cluster.power_off(away)
    gone_at = traffic.now()
    traffic.go_on_for(45)
    account = traffic.end(settle_seconds=90)
    stack.cluster.power_on(away)
    wait_until("all pods again", lambda: len(stack.ready_pods()) == len(receivers), 240)
    failed = [sent for sent in account.first_answers_failed() if sent.at > gone_at]
    # How long envelopes went astray, and the longest that none at all was acknowledged at its first sending.
    acked = sorted(sent.at for sent in account.sent if sent.statuses[0] == 200 and sent.at > lost_at - 1)
    results.account(
        "socket mode",
        f"{overlay}: a connected pod's node loses power",
        account,
        last_failed_after_seconds=round(max((sent.at - lost_at for sent in failed), default=0), 1),
        longest_without_an_ack_seconds=round(max(later - one for one, later in pairwise(acked)), 1),
    )
    # 3. every event arrived at last, nothing that was acknowledged is lost;
    #    what ended twice had ended as the power went, before its completion could be written
    assert [sent for sent in account.never_acknowledged() if sent.kind in ("event", "thread")] == [], account.why()
    assert account.lost() == []
    assert account.finished_twice_apart_from(lost_at - UNWRITTEN_SECONDS, gone_at) == {}
    assert account.two_at_once() == []
