"""The cluster, the image, and a stack of each overlay that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import CLUSTER, Cluster
from tests.cluster.image import build_and_load
from tests.cluster.kustomization import Change
from tests.cluster.report import Results
from tests.cluster.stack import Stack

HERE = Path(__file__).parent
Stacks = Callable[..., Stack]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what lies here, and leaves it out of a run that did not ask for it: a KUBECONFIG alone is no leave."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.cluster)
    if "cluster" not in config.option.markexpr:
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


_running: list[Stack] = []
_passed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the cluster looked like at that moment; afterwards nobody can ask it."""
    report = yield
    if report.when == "call":
        item.stash[_passed] = report.passed
    if report.failed and HERE in item.path.parents:
        report.sections += [(stack.namespace, stack.describe()) for stack in _running]
        for stack in _running:  # the next test gets one that nothing happened to
            stack.spoilt = True
    return report


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that KUBECONFIG names, with the image on its nodes."""
    if "KUBECONFIG" not in os.environ:
        pytest.exit("these tests need a cluster: export KUBECONFIG (kind, or ../shared/cluster/cluster up)", 2)
    build_and_load()
    return Cluster()


@pytest.fixture
def results(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Results]:
    """Where a test writes the numbers of its run; docs/operations/rollouts.md is made of those of tests that passed."""
    results = Results(cluster.name())
    yield results
    if request.node.stash.get(_passed, False):
        results.keep()


@pytest.fixture(scope="module")
def stacks(cluster: Cluster) -> Iterator[Stacks]:
    """Starts overlays, each in a namespace of its own, one at a time: the machine is small."""

    def start(overlay: str, change: Change | None = None) -> Stack:
        if _running and _running[-1].serves(overlay, change):
            return _running[-1]
        while _running:
            _running.pop().stop()
        stack = Stack(cluster, overlay, change)
        _running.append(stack)
        stack.start()
        return stack

    yield start
    while _running:
        _running.pop().stop()


@pytest.fixture
def away(cluster: Cluster) -> Iterator[str]:
    """A node that the test may take away; it is back, and takes pods again, when the test is over."""
    if not CLUSTER or len(cluster.nodes) < 2:
        pytest.skip("needs two nodes, and CLUSTER=.../shared/cluster/cluster to take one away")
    yield cluster.away
    cluster.kubectl("uncordon", cluster.away)
    cluster.wait_ready(cluster.away)
