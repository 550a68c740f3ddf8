"""A pod that never gets ready, one that leaks past its limit, one that hangs."""

from __future__ import annotations

from typing import Any

from tests.cluster.cluster import wait_until
from tests.cluster.conftest import Stacks
from tests.cluster.report import Results
from tests.cluster.stack import Stack
from tests.cluster.traffic import nothing_noticed

APP = "statefulset/anchorbolt"
# The server's one worker: the child of the first process.
STOP_WORKER = """
import os, signal, pathlib
for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    pid, parent = int(stat.parent.name), int(stat.read_text().rsplit(")", 1)[1].split()[1])
    if parent == 1 and pid != os.getpid():
        os.kill(pid, signal.SIGSTOP)
        print("stopped", pid)
"""


def restarts(stack: Stack) -> dict[str, int]:
    """How often Kubernetes restarted each pod's container."""

    def count(pod: dict[str, Any]) -> int:
        return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))

    return {pod["metadata"]["name"]: count(pod) for pod in stack.pods()}


def test_a_pod_that_never_gets_ready_gets_nothing(stacks: Stacks, results: Results) -> None:
    """A release that starts and never comes up costs one pod, and its undoing none."""
    # 1. load; the release
    stack = stacks("standard")
    traffic = stack.traffic(10)
    stack.kustomization.settings["NEVER_READY"] = "1"
    stack.apply()
    # 2. half a minute later its first pod is still not ready and the others serve
    wait_until("anchorbolt-2 is replaced", lambda: len(stack.ready_pods()) == 2, 120)
    traffic.go_on_for(30)
    assert stack.ready_pods() == ["anchorbolt-0", "anchorbolt-1"]
    # 3. it is undone
    del stack.kustomization.settings["NEVER_READY"]
    stack.kubectl("rollout", "undo", APP)
    stack.settled(APP)
    account = traffic.end()
    results.account("sick pods", "a pod that never gets ready", account)
    nothing_noticed(account)


def test_a_pod_that_hangs_loses_its_work_to_others(stacks: Stacks, results: Results) -> None:
    """A stopped process gets no new requests within seconds, its lanes go on elsewhere, and nothing finishes twice."""
    # 1. load on three pods
    stack = stacks("standard")
    before = restarts(stack)
    traffic = stack.traffic(10, work=2)
    traffic.go_on_for(5)
    # 2. the worker of one of them stops, as a deadlock does
    hung_at = traffic.now()
    assert "stopped" in stack.kubectl("exec", "anchorbolt-1", "-c", "app", "--", "python", "-c", STOP_WORKER)
    # 3. it is ended and started again, by gunicorn or by Kubernetes, and all three serve
    wait_until("anchorbolt-1 is out", lambda: "anchorbolt-1" not in stack.ready_pods(), 60)
    wait_until("anchorbolt-1 is back", lambda: len(stack.ready_pods()) == 3, 180)
    back = traffic.now() - hung_at
    traffic.go_on_for(5)
    account = traffic.end()
    failed = account.first_answers_failed()
    results.account(
        "sick pods",
        "a pod that hangs",
        account,
        back_after_seconds=round(back),
        restarts=sum(restarts(stack).values()) - sum(before.values()),
        last_failed_answer_after_seconds=round(max((sent.at - hung_at for sent in failed), default=0), 1),
    )
    # 4. requests that were on their way into the hang failed, and none after the tier's next check
    assert [sent for sent in failed if sent.at - hung_at > 5] == [], account.why()
    assert account.lost() == []
    assert account.finished_twice() == {}
    assert account.two_at_once() == []


def test_a_delivery_that_eats_its_pod_ends_as_a_dead_letter(stacks: Stacks, results: Results) -> None:
    """A leak past the memory limit ends a process a few times, then its delivery is put away; the others all end."""
    # 1. load, with a listener among it that leaks until the kernel ends the process
    stack = stacks("standard")
    stack.kustomization.settings["MAX_CRASHES"] = "3"
    stack.apply()
    stack.settled(APP)
    traffic = stack.traffic(10)
    traffic.go_on_for(3)
    leak = stack.leak()
    # 2. its delivery is a dead letter after three crashes: what has crashed twice runs alone
    dead = f"SELECT count(*) FROM delivery WHERE state = 'dead' AND key LIKE '%{leak}'"
    seconds = wait_until("the leak is put away", lambda: stack.psql(dead) == "1", 240)
    wait_until("three pods again", lambda: len(stack.ready_pods()) == 3, 120)
    traffic.go_on_for(5)
    account = traffic.end()
    results.account(
        "sick pods", "a delivery that leaks past the memory limit", account, dead_after_seconds=round(seconds)
    )
    # 3. no innocent neighbour was put away with it, and nothing was lost
    assert stack.psql("SELECT count(*) FROM delivery WHERE state = 'dead'") == "1"
    assert [sent for sent in account.never_acknowledged() if sent.kind in ("event", "thread")] == []
    assert account.lost() == []
    assert account.finished_twice() == {}
