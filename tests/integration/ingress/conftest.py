"""One cluster of stand-in pods, and each proxy in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import HAProxy, those
from tests.integration.ingress.proxies.process import Proxy


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Four pods, ready, whose names resolve."""
    with Cluster(4).running() as pods:
        yield pods


@pytest.fixture(scope="module", params=those())
def proxy_kind(request: pytest.FixtureRequest) -> type[Proxy]:
    """Each proxy in its turn."""
    kind: type[Proxy] = request.param
    kind.require()
    return kind


@pytest.fixture
def own_proxy(proxy_kind: type[Proxy], cluster: Cluster, tmp_path: Path) -> Iterator[Proxy]:
    """Each proxy in its turn, in front of a cluster whose pods a test may take away."""
    with proxy_kind(cluster, tmp_path).running() as running:
        yield running


@pytest.fixture(scope="module")
def lasting_proxy(proxy_kind: type[Proxy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Each proxy in its turn, in front of a cluster, for all tests of a file: to start one takes seconds."""
    with Cluster(4).running() as pods, proxy_kind(pods, tmp_path_factory.mktemp(proxy_kind.name)).running() as running:
        yield running


@pytest.fixture
def proxy(lasting_proxy: Proxy) -> Iterator[Proxy]:
    """That one. What a test makes its pods answer ends with the test; every pod stays ready."""
    lasting_proxy.cluster.forget()
    yield lasting_proxy
    for pod in lasting_proxy.cluster.pods:
        pod.answer = 200


@pytest.fixture
def tier(cluster: Cluster, tmp_path: Path) -> Iterator[HAProxy]:
    """The HAProxy tier alone."""
    HAProxy.require()
    tier = HAProxy(cluster, tmp_path)
    with tier.running():
        yield tier
