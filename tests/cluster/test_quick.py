"""The quick part, which the CI runs: apply `local`, one request of every kind, one restart under load."""

from __future__ import annotations

import pytest
from anchorbolt.emulator.samples import SAMPLES

from tests.cluster.conftest import Stacks
from tests.cluster.restart import restart_under_load
from tests.cluster.tier import naming_pods
from tests.cluster.traffic import nothing_noticed

pytestmark = pytest.mark.quick


def test_every_kind_of_request_is_answered_through_the_tier(stacks: Stacks) -> None:
    """`local` applied as it is answers one signed request of every kind with 200, each from one of its pods."""
    # 1. local, as anybody would apply it
    stack = stacks("local", change=naming_pods)
    # 2. one request of every kind
    played = list(stack.play())
    # 3. each was answered, and what needs a pod was answered by one
    assert [line["kind"] for line in played] == list(SAMPLES)
    assert {line["kind"]: line["status"] for line in played if line["status"] != 200} == {}
    assert {line["pod"] for line in played} <= {"pod-0", "pod-1", "pod-2"}
    # 4. listeners called the Web API of the emulator
    assert "chat.postMessage" in {method for line in played for method in line["calls"]}


def test_a_restart_under_load_is_noticed_by_nobody(stacks: Stacks) -> None:
    """`kubectl rollout restart` of `local` under load fails no first answer, loses nothing, runs nothing twice."""
    # 1. the same stack, under load
    stack = stacks("local", change=naming_pods)
    # 2. a restart in the middle of it
    account, timing = restart_under_load(stack, "statefulset/anchorbolt", rate=20, steady_seconds=5)
    # 3. nobody noticed, and conversations came home
    assert len(account.sent) > 200, "the load did not run"
    nothing_noticed(account)
    assert timing["back_home"] > 0.5
