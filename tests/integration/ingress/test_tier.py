"""The tier's own life: when it is ready, what it counts, how it ends."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import HAProxy
from tests.integration.ingress.wire import Slack, event, until


def asked(tier: HAProxy, path: str) -> int:
    """The status of a page of the internal port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{tier.internal_port}/{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_tier_is_ready_when_a_pod_is(tier: HAProxy, cluster: Cluster) -> None:
    """
    1. No pod is ready: the tier is not either, so that no Service sends to it, but it lives.
    2. One pod is ready. Result: so is the tier.
    """
    assert (asked(tier, "readyz"), asked(tier, "livez")) == (200, 200)
    for pod in cluster.pods:
        pod.ready = False
    until(lambda: asked(tier, "readyz") == 503, "the tier is not ready", tier.log)
    assert asked(tier, "livez") == 200
    cluster.pods[0].ready = True
    until(lambda: asked(tier, "readyz") == 200, "the tier is ready again", tier.log)


def test_the_health_port_tells_nothing_else(tier: HAProxy) -> None:
    """Statistics and metrics are not on a port that the cluster reaches; the Unix socket has them."""
    assert [asked(tier, path) for path in ("stats", "metrics", "", "slack/events")] == [404] * 4
    assert tier.statistics_at.stat().st_mode & 0o777 == 0o600
    assert tier.metric("haproxy_process_uptime_seconds") >= 0


def test_a_tier_that_ends_finishes_what_it_has(tier: HAProxy, cluster: Cluster) -> None:
    """
    1. Eight requests are at the pods when the tier is told to end, as Kubernetes tells the image: SIGUSR1.
    2. Result: each has its answer, new connections are refused, and the tier ends with 0.
    """
    assert tier.process is not None
    # In its first third of a second HAProxy loses the signal; in a cluster the preStop pause comes before it.
    until(lambda: tier.metric("haproxy_process_uptime_seconds") >= 1, "HAProxy is up for a second", tier.log)
    for pod in cluster.pods:
        pod.delay_seconds = 1

    def one(number: int) -> int:
        with Slack(tier.port) as slack:
            return slack.send(event(f"C{number}")).status

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(one, number) for number in range(8)]
        until(lambda: sum(len(pod.seen) for pod in cluster.pods) == 8, "all eight are at a pod", tier.log)
        tier.process.send_signal(signal.SIGUSR1)
        assert [answer.result(timeout=20) for answer in answers] == [200] * 8, tier.log()
    assert tier.process.wait(timeout=20) == 0, tier.log()


def test_the_log_tells_the_conversation_and_no_secret(tier: HAProxy) -> None:
    """A line has pod, status and conversation, and nothing of the query, where an OAuth flow has its code."""
    with Slack(tier.port) as slack:
        slack.send(event("C0GENERAL"), path="/slack/events?code=very-secret")
    until(lambda: "conversation=C0GENERAL" in tier.log(), "the line is there", tier.log)
    [line] = [line for line in tier.log().splitlines() if "conversation=C0GENERAL" in line]
    assert " status=200 pod=pod-" in line
    assert line.endswith("POST /slack/events")
    assert "very-secret" not in tier.log()
