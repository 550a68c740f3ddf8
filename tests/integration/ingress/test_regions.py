"""Several regions: a request goes home at most once, and when home cannot be asked, the region that has it answers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from anchorbolt.delivery import Control, parse
from anchorbolt.errors import RefusedError

from tests.integration.ingress.payloads import SAMPLES, Request, corpus
from tests.integration.ingress.pods import Answer, Cluster
from tests.integration.ingress.proxies import HAProxy
from tests.integration.ingress.proxies.haproxy import page, statistics
from tests.integration.ingress.regions import HOMES, RegionTier
from tests.integration.ingress.wire import Slack, event, raw, until
from tests.support.regions.certificates import make_certificates

Regions = tuple[RegionTier, RegionTier]


@contextmanager
def running(tmp_path: Path) -> Iterator[Regions]:
    """Two regions, eu and us, each with two pods, that know each other."""
    HAProxy.require()
    with ExitStack() as stack:
        made = []
        for name in ("eu", "us"):
            (tmp_path / name).mkdir()
            cluster = stack.enter_context(Cluster(2).running())
            made.append(RegionTier(cluster, tmp_path / name, name, make_certificates(tmp_path / name)))
        eu, us = made
        # Each trusts the other's certificate, as it would trust the one CA of both.
        both = (tmp_path / "eu" / "ca.pem").read_text() + (tmp_path / "us" / "ca.pem").read_text()
        for tier, other in ((eu, us), (us, eu)):
            (tier.directory / "ca.pem").write_text(both)
            tier.peers = {other.region: f"127.0.0.1:{other.hop_port}"}
        for tier in made:
            stack.enter_context(tier.running())
        for tier in made:
            until(lambda tier=tier: health(tier) == 200 and other_is_up(tier), "the regions see each other", tier.log)  # type: ignore[misc]
            tier.cluster.forget()
        yield eu, us


@pytest.fixture
def own_regions(tmp_path: Path) -> Iterator[Regions]:
    """Two regions whose tiers and pods a test may take away."""
    with running(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def lasting_regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regions]:
    """Two regions for all tests of this file."""
    with running(tmp_path_factory.mktemp("regions")) as made:
        yield made


@pytest.fixture
def regions(lasting_regions: Regions) -> Iterator[Regions]:
    """Those. What a test makes their pods answer ends with the test; every pod stays ready."""
    pods = [pod for tier in lasting_regions for pod in tier.cluster.pods]
    for pod in pods:
        pod.seen.clear()
    yield lasting_regions
    for pod in pods:
        pod.answer = 200


def health(tier: RegionTier) -> int:
    """What the global balancer is told."""
    with Slack(tier.port) as slack:
        return slack.send(b"", path="/region", method="GET").status


def other_is_up(tier: RegionTier) -> bool:
    """Whether the tier would send a request to the other region."""
    rows = statistics(tier.statistics_at, "home")
    return all(row["status"].startswith("UP") for row in rows if row["svname"].startswith("region-"))


def seen(tier: RegionTier) -> int:
    """How many requests the pods of a region saw."""
    return sum(len(pod.seen) for pod in tier.cluster.pods)


def sent(tier: RegionTier, workspace: str, **headers: str) -> int:
    """An event of a workspace to a region: its status."""
    with Slack(tier.port) as slack:
        return slack.send(event("C1", team_id=workspace), headers=headers).status


@pytest.mark.parametrize(
    ("workspace", "home"),
    [("T0EU", "eu"), ("T0US", "us"), ("T0EUROPE1", "eu"), ("T0EX", "us"), ("T9", "eu"), ("T0USX", "eu")],
)
def test_each_workspace_has_its_home(regions: Regions, workspace: str, home: str) -> None:
    """By its exact id, else by the longest beginning, else by its hash; from either region the same pods have it."""
    for tier in regions:
        assert sent(tier, workspace) == 200
    assert {tier.region: seen(tier) for tier in regions} == {"eu": 0, "us": 0} | {home: 2}


def test_a_client_cannot_pass_for_a_tier(regions: Regions) -> None:
    """The mark of a hop is dropped at the edge, so that its request goes home all the same; and who shows no
    certificate has no way to the hop's port."""
    eu, us = regions
    assert sent(eu, "T0US", **{"X-Anchorbolt-Hop": "us", "X-Anchorbolt-Map": "1"}) == 200
    (request,) = [request for pod in us.cluster.pods for request in pod.seen]
    assert request.headers["x-anchorbolt-hop"] == "eu"
    assert sent(eu, "T0EU", **{"X-Anchorbolt-Hop": "us"}) == 200
    (request,) = [request for pod in eu.cluster.pods for request in pod.seen]
    assert not [name for name in request.headers if name.startswith("x-anchorbolt")]
    assert raw(us.hop_port, b"GET /region HTTP/1.0\r\n\r\n") == b""
    assert asked_by_a_stranger(us.hop_port) == b""


def asked_by_a_stranger(port: int) -> bytes:
    """What a hop's port answers over TLS where no certificate is shown."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port)) as plain, tls.wrap_socket(plain) as secured:
            secured.sendall(b"GET /region HTTP/1.0\r\n\r\n")
            return secured.recv(100)
    except (ssl.SSLError, ConnectionError):  # TLS 1.3 tells of the missing certificate at the first read
        return b""


def test_nothing_is_sent_on_twice(own_regions: Regions, tmp_path: Path) -> None:
    """A tier whose map says something else answers what was sent to it, and counts that the maps differ."""
    eu, us = own_regions
    us.stop()
    us.homes = "T0US eu\n"
    us.start()
    until(lambda: other_is_up(eu) and other_is_up(us), "the regions see each other", us.log)
    us.cluster.forget()
    assert sent(eu, "T0US") == 200
    assert (seen(eu), seen(us)) == (0, 1)
    assert us.requests_of("map_differs") == 1
    assert us.requests_of("home") == 0


def test_a_home_that_refuses_is_stood_in_for(own_regions: Regions) -> None:
    """All pods at home answer 425, as with the store down: the region that has the request answers it."""
    eu, us = own_regions
    for pod in us.cluster.pods:
        pod.answer = 425
    assert sent(eu, "T0US") == 200
    assert seen(eu) == 1
    assert eu.metric('haproxy_backend_redispatch_warnings_total{proxy="home"}') == 1


def test_a_home_without_a_connection_is_stood_in_for(own_regions: Regions) -> None:
    """Home's tier is gone: at once, before a check has failed, and later, the region that has the request answers."""
    eu, us = own_regions
    us.stop()
    assert sent(eu, "T0US") == 200
    until(lambda: not other_is_up(eu), "the check has failed", eu.log)
    assert sent(eu, "T0US") == 200
    assert seen(eu) == 2
    assert eu.requests_of("instead") == 1


@pytest.mark.parametrize("answer", [500, 503, "reset", "silence"])
def test_what_home_has_only_home_may_run(regions: Regions, answer: Answer) -> None:
    """Home took the request and failed, broke off or says nothing: Slack is told so, and no pod here sees it."""
    eu, us = regions
    for pod in us.cluster.pods:
        pod.answer = answer
    assert sent(eu, "T0US") == (answer if isinstance(answer, int) else 503)
    assert (seen(eu), seen(us)) == (0, 1)


def test_a_region_drained_by_hand_gets_no_traffic(own_regions: Regions) -> None:
    """Its pods say that it is drained: the global balancer is told 503 and the other region answers for it, while
    what still comes is served."""
    eu, us = own_regions
    for pod in us.cluster.pods:
        pod.drained = True
    until(lambda: health(us) == 503 and not other_is_up(eu), "us gets no traffic", us.log)
    assert (sent(eu, "T0US"), seen(eu), seen(us)) == (200, 1, 0)
    assert (sent(us, "T0US"), seen(us)) == (200, 1)
    for pod in us.cluster.pods:
        pod.drained = False
    until(lambda: health(us) == 200 and other_is_up(eu), "us gets traffic again", us.log)


def test_a_region_without_pods_gets_no_traffic(own_regions: Regions) -> None:
    """No pod of a region is ready: the global balancer is told so."""
    _, us = own_regions
    for pod in us.cluster.pods:
        pod.ready = False
    until(lambda: health(us) == 503, "us gets no traffic", us.log)


def test_prometheus_sees_backends_and_no_pods(regions: Regions) -> None:
    """What a tier of several regions tells on its health port names no pod and no address."""
    eu, _ = regions
    told = page(eu.internal_port, "/metrics")
    assert 'haproxy_backend_http_requests_total{proxy="home"}' in told
    assert "pod-0" not in told
    assert "server" not in {line.partition("_")[2].partition("_")[0] for line in told.splitlines() if line[0] != "#"}


def test_a_map_that_cannot_be_read_ends_the_tier(own_regions: Regions) -> None:
    """A line that is wrong, a home that nobody knows, or a workspace twice: the tier does not start, and says where."""
    eu, _ = own_regions
    eu.stop()
    for line in ("T1", "T1 mars", "T1 eu us", "hash:0-100 eu", "hash:9-3 eu", "T*1 eu", "* eu", "T0EU us"):
        eu.homes = f"{HOMES}{line}\n"
        with pytest.raises(AssertionError, match=r"homes\.map:8"):
            eu.start()


def test_the_workspace_is_the_apps(regions: Regions) -> None:
    """For requests of all shapes the tier finds the workspace that the app finds."""
    eu, us = regions
    compared = 0
    for request in [*SAMPLES, *corpus()]:
        for tier in regions:
            tier.cluster.forget()
        with Slack(eu.port) as slack:
            if slack.send(request.body, request.content_type).status != 200:
                continue
        try:
            wanted = by_the_app(request)
        except RefusedError:
            continue
        (told,) = [pod.headers for tier in (eu, us) for one in tier.cluster.pods for pod in one.seen]
        assert told.get("x-test-workspace") == wanted, request.name
        compared += wanted is not None
    assert compared > 10


def by_the_app(request: Request) -> str | None:
    """The app's workspace; None for a control request."""
    found = parse(request.body, request.content_type.split(";")[0].strip().lower())
    return None if isinstance(found, Control) else found.workspace
