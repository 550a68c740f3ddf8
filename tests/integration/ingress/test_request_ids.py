"""Every proxy names each request, so that its log, the app's log and the traces can be held against each other."""

from __future__ import annotations

import pytest
from anchorbolt.delivery.headers import request_id

from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.wire import Slack, event


def told(proxy: Proxy, given: str | None = None) -> str:
    """The id with which a request reaches a pod."""
    proxy.cluster.forget()
    with Slack(proxy.port) as slack:
        answered = slack.send(event("C1"), headers={} if given is None else {"X-Request-Id": given})
    assert answered.status == 200
    [seen] = [seen for pod in proxy.cluster.pods for seen in pod.seen]
    return seen.headers["x-request-id"]


def test_each_request_is_named(proxy: Proxy) -> None:
    """A request without an id gets one of its own, which the app takes as it is."""
    first, second = told(proxy), told(proxy)
    assert first != second
    for one in (first, second):
        assert request_id({b"x-request-id": one.encode()}) == one


def test_an_id_from_in_front_of_the_proxy_stays(proxy: Proxy) -> None:
    """What terminates TLS may have named the request already; Envoy at an edge trusts nobody and makes its own."""
    assert (told(proxy, "of-the-edge/1,2") == "of-the-edge/1,2") is proxy.keeps_request_id


@pytest.mark.parametrize("given", ["a b", "x" * 129, "C1 conversation=C2", "\xe9"])
def test_what_the_app_would_not_take_is_replaced(proxy: Proxy, given: str) -> None:
    """Neither in a log nor at the app is there an id of another form."""
    assert told(proxy, given) != given
    assert request_id({b"x-request-id": told(proxy, given).encode("latin-1")}) != given
