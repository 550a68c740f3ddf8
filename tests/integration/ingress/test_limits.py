"""What a client may not do, and what is too large or too slow."""

from __future__ import annotations

import time

import pytest

from tests.integration.ingress.proxies.haproxy import HAProxy
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.wire import JSON, Slack, event, raw

MIB = 1_048_576


def padded(size: int, conversation: str = "C1") -> bytes:
    """An event of exactly that many bytes, its channel at the end."""
    body = event(conversation, **{"a": ""})
    return body[:1] + b'"pad":"' + b"x" * (size - len(body) - 9) + b'",' + body[1:]


def test_a_client_does_not_choose_its_pod(proxy: Proxy) -> None:
    """A sent x-slack-affinity is dropped: it neither moves a conversation nor reaches a pod."""
    with Slack(proxy.port) as slack:
        pods = {slack.send(event("C1"), headers={"X-Slack-Affinity": f"C{n}"}).told["pod"] for n in range(30)}
        told = slack.send(b"{}", headers={"x-slack-affinity": "C1"}).told
    assert len(pods) == 1
    assert not told["conversation"]


@pytest.mark.parametrize(
    "value", ["C1\\r\\nX-Evil: 1", "C1\\nX-Evil: 1", "C1\\u0000", "C 1", "C" * 65, "\\u00e9", "../C1"]
)
def test_no_conversation_carries_a_header(proxy: Proxy, value: str) -> None:
    """What is no identifier gives no conversation, and no header of the client's making reaches a pod."""
    with Slack(proxy.port) as slack:
        answered = slack.send(f'{{"type":"event_callback","event":{{"channel":"{value}"}}}}'.encode())
    assert answered.status == 200
    assert not answered.told["conversation"]
    seen = [headers for pod in proxy.cluster.pods for headers in (request.headers for request in pod.seen)]
    assert len(seen) == 1
    assert "x-evil" not in seen[0]


def test_a_declared_length_over_the_limit_is_413(proxy: Proxy) -> None:
    """One byte over 1 MiB is refused by its declared length, before it is read; no pod hears of it."""
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {MIB + 1}\r\n\r\n"
    assert raw(proxy.port, head.encode()).split(b" ")[1] == b"413"
    assert not any(pod.seen for pod in proxy.cluster.pods)


def test_a_body_at_the_limit_passes(proxy: Proxy) -> None:
    """1 MiB to the byte reaches a pod, whole."""
    with Slack(proxy.port) as slack:
        answered = slack.send(padded(MIB))
    assert (answered.status, answered.told["size"]) == (200, MIB)


@pytest.mark.parametrize("size", [1_000, 60_000, 128 * 1024])
def test_a_body_that_fits_the_buffer_is_read_to_its_end(proxy: Proxy, size: int) -> None:
    """Up to 128 KiB the conversation is found wherever it stands, declared or in chunks."""
    body = padded(size)
    assert len(body) == size
    with Slack(proxy.port) as slack:
        assert slack.send(body).told["conversation"] == "C1"
        assert slack.send([body[at : at + 8192] for at in range(0, size, 8192)]).told["conversation"] == "C1"


def test_a_stalled_body_is_408(proxy: Proxy) -> None:
    """A body that stops half way ends within seconds, with 408 (nginx logs it and hangs up); no pod hears of it."""
    began = time.monotonic()
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: 100\r\n\r\n"
    answer = raw(proxy.port, head.encode() + b'{"type":')
    assert answer.split(b" ")[1] == b"408" if proxy.says_408 else answer == b""
    assert time.monotonic() - began < 8
    assert not any(pod.seen for pod in proxy.cluster.pods)


@pytest.mark.parametrize("path", ["/", "/readyz", "/livez", "/drain", "/metrics", "/slackish"])
def test_the_public_side_passes_slack_only(proxy: Proxy, path: str) -> None:
    """Nothing but /slack/ is passed on."""
    with Slack(proxy.port) as slack:
        answered = slack.send(event("C1"), path=path)
    assert answered.status in {404, 301}
    assert not any(pod.seen for pod in proxy.cluster.pods)


@pytest.mark.parametrize("page", ["/slack/install", "/slack/oauth_redirect"])
def test_the_pages_of_an_installation_are_read_only(proxy: Proxy, page: str) -> None:
    """A GET reaches a pod with its query; any other method is refused, and no pod hears of it."""
    with Slack(proxy.port) as slack:
        answers = {way: slack.send(b"", path=f"{page}?code=1&state=2", method=way) for way in ("POST", "PUT", "HEAD")}
        assert {answered.status for answered in answers.values()} <= {404, 405}, answers
        assert not any(pod.seen for pod in proxy.cluster.pods)
        assert slack.send(b"", path=f"{page}?code=1&state=2", method="GET").status == 200
    assert [request.path for pod in proxy.cluster.pods for request in pod.seen] == [f"{page}?code=1&state=2"]


def test_the_tier_counts_what_it_cannot_buffer(tier: HAProxy) -> None:
    """A body over 128 KiB, declared or not, goes to any pod whole, and the backend `unbuffered` counts it."""
    before = tier.requests_of("unbuffered")
    with Slack(tier.port) as slack:
        large = padded(200_000)
        answers = [slack.send(large) for _ in range(8)]
        answers += [slack.send([large[:90_000], large[90_000:]]) for _ in range(8)]
        assert slack.send(event("C1")).status == 200
    assert {answered.status for answered in answers} == {200}
    assert {answered.told["size"] for answered in answers} == {200_000}
    assert not any(answered.told["conversation"] for answered in answers)
    assert tier.requests_of("unbuffered") == before + 16


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive, Upgrade", "close"])
@pytest.mark.parametrize("protocol", ["websocket", "WebSocket", "h2c", "TLS/1.0", "foo", "0"])
def test_no_upgrade_reaches_a_pod(proxy: Proxy, protocol: str, connection: str) -> None:
    """A request with a body that asks for an upgrade is refused at once, or reaches a pod without it."""
    with Slack(proxy.port) as slack:
        answered = slack.send(event("C1"), headers={"Connection": connection, "Upgrade": protocol})
        assert slack.send(event("C1")).status == 200
    assert answered.status in {200, 400, 403}
    seen = [request.headers for pod in proxy.cluster.pods for request in pod.seen]
    assert len(seen) == (2 if answered.status == 200 else 1)
    for headers in seen:
        assert not headers.get("upgrade")
        assert "upgrade" not in headers.get("connection", "").lower()


@pytest.mark.parametrize("target", ["/slack/events", "bot.example.com:443", "http://bot.example.com/slack/events"])
def test_no_tunnel_is_opened(proxy: Proxy, target: str) -> None:
    """CONNECT, with a body behind it, is refused; no pod hears of it."""
    request = f"CONNECT {target} HTTP/1.1\r\nHost: bot.example.com\r\nContent-Length: 2\r\n\r\n{{}}"
    assert raw(proxy.port, request.encode()).split(b" ")[1][:1] == b"4"
    assert not any(pod.seen for pod in proxy.cluster.pods)
