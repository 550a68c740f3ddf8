"""The conversation picks the pod, in every proxy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import those
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.wire import FORM, JSON, Slack, event, until


def placed(proxy: Proxy, conversations: Sequence[str]) -> dict[str, str]:
    """The pod of every conversation. On a busy machine health checks may fail for a moment: a 503 is asked again."""
    found: dict[str, str] = {}
    with Slack(proxy.port) as slack:
        for name in conversations:

            def served(name: str = name) -> bool:
                answered = slack.send(event(name))
                found.update({name: answered.told["pod"]} if answered.status != 503 else {})
                return name in found

            until(served, f"{proxy.name} serves {name}", proxy.log)
    return found


def named(count: int) -> list[str]:
    """Conversations as Slack names them."""
    return [f"C{n:010X}" for n in range(7_000_000, 7_000_000 + count * 9973, 9973)]


def test_a_conversation_stays_on_its_pod(proxy: Proxy) -> None:
    """All requests of a conversation reach one pod, whichever of the three shapes they have."""
    for name in named(50):
        command = urlencode({"command": "/deploy", "channel_id": name, "user_id": "U2", "text": "payload=1"}).encode()
        click = {"type": "block_actions", "channel": {"id": name}, "user": {"id": "U3"}}
        bodies = [(event(name), JSON), (command, FORM), (urlencode({"payload": json.dumps(click)}).encode(), FORM)]
        with Slack(proxy.port) as slack:
            pods = {slack.send(body, content_type).told["pod"] for body, content_type in bodies * 3}
        assert len(pods) == 1, name


def test_conversations_spread_evenly(proxy: Proxy) -> None:
    """Of 4,000 conversations no pod has more than 1.2 times the mean, or what the proxy's README says instead."""
    pods = {pod.name for pod in proxy.cluster.pods}

    def spread() -> bool:  # asked again, because a pod whose health check fails on a busy machine has none for a moment
        counted = Counter(placed(proxy, named(4_000)).values())
        return set(counted) == pods and max(counted.values()) / (4_000 / len(pods)) <= proxy.fullest

    until(spread, f"no pod has more than {proxy.fullest} times the mean", proxy.log)


def test_without_a_conversation_every_pod_serves(proxy: Proxy) -> None:
    """A request without a conversation goes to any pod, not always to the same one."""
    with Slack(proxy.port) as slack:
        pods = Counter(slack.send(b'{"type":"url_verification","challenge":"x"}').told["pod"] for _ in range(40))
    assert len(pods) == len(proxy.cluster.pods), pods


@pytest.mark.parametrize("proxy_kind", those(lambda kind: kind.replicas_agree()), indirect=True)
def test_replicas_agree(proxy: Proxy, tmp_path: Path) -> None:
    """A second replica that learnt of the pods in the opposite order puts every conversation on the same pod."""
    directory = tmp_path / "second"
    directory.mkdir()
    with type(proxy)(proxy.cluster, directory, proxy.cluster.pods[::-1]).running() as second:
        assert placed(second, named(300)) == placed(proxy, named(300))


def test_only_the_keys_of_a_pod_that_goes_move(own_proxy: Proxy) -> None:
    """
    1. A pod goes. Its conversations go to others; beyond the proxy's stated measure no other conversation moves.
    2. It comes back. Result: once the proxy knows, every conversation is on the pod it was on before.
    """
    names = named(600)
    before = placed(own_proxy, names)
    gone = own_proxy.cluster.pods[1]

    own_proxy.take(gone)
    until(lambda: gone.name not in placed(own_proxy, names).values(), "every worker of the proxy knows", own_proxy.log)
    without = placed(own_proxy, names)
    needless = [name for name in names if before[name] not in {gone.name, without[name]}]
    assert len(needless) <= own_proxy.needless_moves * len(names)

    own_proxy.give(gone)
    until(lambda: placed(own_proxy, names) == before, "every conversation is at home again", own_proxy.log)


@pytest.mark.parametrize("proxy_kind", those(lambda kind: kind.hashes_names), indirect=True)
def test_a_pod_that_returns_under_another_address_has_its_keys_again(cluster: Cluster, own_proxy: Proxy) -> None:
    """
    1. A pod is replaced by one of its name with a new address, as in a rollout.
    2. Result: every conversation is on the same pod as before; given addresses only, other proxies cannot do that.
    """
    before = placed(own_proxy, named(300))
    pod = cluster.pods[2]
    own_proxy.take(pod)
    pod.address = f"{cluster.network}.99"
    own_proxy.give(pod)
    cluster.forget()
    until(lambda: placed(own_proxy, named(300)) == before, "every conversation is at home again", own_proxy.log)
    assert pod.seen


@pytest.mark.parametrize("proxy_kind", those(lambda kind: kind.checks_health), indirect=True)
def test_a_pod_that_is_not_ready_is_asked_for_nothing(own_proxy: Proxy) -> None:
    """
    1. /readyz of one pod answers 503, as in a drain; its public port still serves.
    2. Result: a proxy that checks stops asking it; back at 200, its conversations return. nginx checks nothing.
    """
    pod = own_proxy.cluster.pods[0]
    pod.ready = False
    until(lambda: pod.name not in placed(own_proxy, named(100)).values(), "the pod is out", own_proxy.log)
    own_proxy.cluster.forget()
    placed(own_proxy, named(200))
    assert not pod.seen
    pod.ready = True
    until(lambda: pod.name in placed(own_proxy, named(100)).values(), "the pod is back", own_proxy.log)
