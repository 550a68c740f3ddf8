"""A proxy sends again only what was refused before any work."""

from __future__ import annotations

from http.client import RemoteDisconnected

import pytest

from tests.integration.ingress.pods import Answer
from tests.integration.ingress.proxies import those
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.wire import Slack, event, until

REFUSALS = pytest.mark.parametrize("proxy_kind", those(lambda kind: kind.sends_a_refusal_on), indirect=True)


def home(proxy: Proxy, conversation: str) -> str:
    """The pod of a conversation."""
    with Slack(proxy.port) as slack:
        name = str(slack.send(event(conversation)).told["pod"])
    proxy.cluster.forget()
    return name


def asked(proxy: Proxy) -> list[str]:
    """The pods that saw a request, one entry a request."""
    return [pod.name for pod in proxy.cluster.pods for _ in pod.seen]


@REFUSALS
def test_a_refusal_goes_to_another_pod(own_proxy: Proxy) -> None:
    """
    1. The conversation's pod answers 425, as in a drain.
    2. Result: another pod has the same request, whole, and Slack gets that pod's 200 (Envoy: but for 1 in 1,000).
    """
    own_proxy.cluster.pod(home(own_proxy, "C1")).answer = 425
    names = [f"C{n}" for n in range(120)]
    told = 0
    for name in names:
        own_proxy.cluster.forget()
        with Slack(own_proxy.port) as slack:
            status = slack.send(event(name)).status
            while not asked(own_proxy):  # on a busy machine the health checks of all may fail for a moment
                status = slack.send(event(name)).status
        told += status != 200
        assert len(asked(own_proxy)) <= 4
        assert {request.size for pod in own_proxy.cluster.pods for request in pod.seen} == {len(event(name))}
    assert told <= own_proxy.refusals_told * len(names)


@pytest.mark.parametrize("proxy_kind", those(lambda kind: kind.checks_health), indirect=True)
def test_refused_by_two_pods_it_goes_to_a_third(own_proxy: Proxy) -> None:
    """
    1. The conversation's pod and the one that stands in for it both refuse.
    2. Result: once the health checks have seen them, a third answers. Before that not every proxy asks a third.
    """
    refusing = [own_proxy.cluster.pod(home(own_proxy, "C1"))]
    refusing[0].answer = 425
    refusing.append(own_proxy.cluster.pod(home(own_proxy, "C1")))
    refusing[1].answer = 425
    for pod in refusing:
        pod.ready = False

    def served() -> bool:
        with Slack(own_proxy.port) as slack:
            return {slack.send(event("C1")).status for _ in range(20)} == {200}

    until(served, "a third answers", own_proxy.log)


def test_refused_by_all_is_told_to_slack(own_proxy: Proxy) -> None:
    """When every pod refuses, as with the store down, Slack gets the 425, after at most four attempts."""
    for pod in own_proxy.cluster.pods:
        pod.answer = 425
    with Slack(own_proxy.port) as slack:
        assert slack.send(event("C1")).status == 425
    assert 1 <= len(asked(own_proxy)) <= 4


def test_a_refused_connection_goes_to_another_pod(own_proxy: Proxy) -> None:
    """
    1. The conversation's pod is gone; nobody told the proxy.
    2. Result: every request is answered by another pod, none is seen twice.
    """
    pod = own_proxy.cluster.pod(home(own_proxy, "C1"))
    own_proxy.cluster.run(pod.vanish())
    with Slack(own_proxy.port) as slack:
        answers = [slack.send(event("C1")) for _ in range(20)]
    assert {answered.status for answered in answers} == {200}
    assert len(asked(own_proxy)) == 20


@pytest.mark.parametrize("answer", [400, 401, 403, 404, 408, 429, 500, 501, 502, 503, 504, "reset", "silence"])
def test_nothing_else_is_sent_twice(proxy: Proxy, answer: Answer) -> None:
    """Any other failure, a reset or a time-out goes to Slack: exactly one pod sees the request, once."""
    pod = proxy.cluster.pod(home(proxy, "C1"))
    pod.answer = answer
    try:
        with Slack(proxy.port, seconds=15) as slack:
            status = slack.send(event("C1")).status
    except RemoteDisconnected:
        status = 502  # HAProxy 3.0, where the pod broke a connection that had served before: Slack sees it close
    if isinstance(answer, int):
        assert status == answer
    else:
        assert status in {502, 503, 504}
    assert asked(proxy) == [pod.name]
