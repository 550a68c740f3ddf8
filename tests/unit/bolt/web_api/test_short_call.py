"""The short path of a Web API call ends as slack_sdk's own path does, whatever comes back."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from anchorbolt.bolt.web_api import client as web_client
from slack_sdk.web.async_base_client import AsyncBaseClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from tests.support.canned_server import CLOSED, SILENCE, answer, canned_server
from tests.support.waiting import until
from tests.unit.bolt.web_api.clients import ALL, LONG, SHORT, STOCK, a_client, client_of, outcome, post

OK = answer(b'{"ok": true, "ts": "1.2"}')
UNAVAILABLE = answer(b"", status=b"503 Service Unavailable")
ZIPPED = gzip.compress(b'{"ok": true, "ts": "1.2"}')

CASES = {
    "a plain answer": [answer(b'{"ok": true, "ts": "1.2"}', b"x-oauth-scopes: chat:write")],
    "an error of Slack's": [answer(b'{"ok": false, "error": "channel_not_found"}')],
    "chunks": [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'7\r\n{"ok": \r\n5\r\ntrue}\r\n0\r\n\r\n'
    ],
    "no length": [
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX: until-closed\r\n\r\n{"ok": true}'
    ],
    "early hints before it": [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK],
    "gzip": [answer(ZIPPED, b"Content-Encoding: gzip")],
    "broken gzip": [answer(b"no gzip", b"Content-Encoding: gzip")],
    "rate limited, then not": [answer(b'{"ok": false}', b"Retry-After: 0", status=b"429 Too Many Requests"), OK],
    "rate limited twice": [answer(b'{"ok": false}', b"Retry-After: 0", status=b"429 Too Many Requests")] * 2,
    "rate limited without a body": [answer(b"", b"Retry-After: 0", status=b"429 Too Many Requests"), OK],
    "unavailable without a body": [UNAVAILABLE, OK],
    "closed instead of an answer, then not": [CLOSED, OK],
    "closed twice": [CLOSED, CLOSED],
    "an answer that ends in its head": [b"HTTP/1.1 200 OK\r\nX: until-closed\r\nContent-", OK],
    "an answer that ends in its body": [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 99\r\n"
        b'X: until-closed\r\n\r\n{"ok": t',
        OK,
    ],
    "chunks that end too early": [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
        b"X: until-closed\r\n\r\n"
        b'7\r\n{"ok": \r\n',
        OK,
    ],
    "an error page": [answer(b"<h1>Bad Gateway</h1>", status=b"502 Bad Gateway", kind=b"text/html")],
    "a page with 200": [answer(b"<h1>Welcome</h1>", kind=b"text/html")],
    "a page that says it is JSON": [answer(b"<h1>Welcome</h1>")],
    "JSON that says it is a page": [answer(b'{"ok": true}', kind=b"text/html")],
    "text": [answer(b"OK", kind=b"text/plain")],
    "an archive": [answer(b"\x1f\x8b", kind=b"application/gzip")],
    "JSON without a charset": [answer(b'{"ok": true}', kind=b"application/json")],
    "another JSON": [answer(b'{"ok": true}', kind=b"application/problem+json")],
    "two answers to one request": [OK + answer(b'{"ok": true, "ts": "of nobody"}')],
    "an error page and another answer": [answer(b"", status=b"502 Bad Gateway") + OK],
    "a list": [answer(b"[]")],
    "null": [answer(b"null")],
    "an empty answer": [answer(b"")],
    "ok without a body": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "no content type": [b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok": true}'],
    "another charset": [answer('{"ok": true, "text": "ü"}'.encode("latin-1"), kind=b"application/json;charset=latin1")],
    "no UTF-8": [answer('{"ok": true, "text": "ü"}'.encode("latin-1"))],
    "half of a surrogate pair": [answer(b'{"ok": true, "text": "\\ud83d"}')],
    "both halves of a surrogate pair": [answer(b'{"ok": true, "text": "\\ud83d\\ude00"}')],
    "not a number": [answer(b'{"ok": true, "score": NaN, "most": Infinity, "least": -1e999}')],
    "integers beyond 64 bits": [answer(b'{"ok": true, "id": [18446744073709551616, -9223372036854775809]}')],
    "integers within 64 bits": [answer(b'{"ok": true, "id": [18446744073709551615, 123456789012345678, -0, 1.0]}')],
    "a name twice": [answer(b'{"ok": false, "ok": true}')],
    "a redirect": [b"HTTP/1.1 302 Found\r\nLocation: /api/auth.test\r\nContent-Length: 0\r\n\r\n", OK],
}


@dataclass
class Point:
    """What orjson would write, and slack_sdk does not."""

    x: int


@pytest.mark.parametrize("kind", [SHORT, LONG])
@pytest.mark.parametrize("answers", CASES.values(), ids=CASES.keys())
async def test_it_ends_as_with_slack_sdk(answers: list[bytes], kind: str) -> None:
    """The same data, the same error and the same number of requests as with slack_sdk's own client."""
    assert await outcome(kind, answers) == await outcome(STOCK, answers)


async def test_a_response_has_all_that_the_sdk_gives_it() -> None:
    """The response has the fields that slack_sdk gives it, and the arguments with which it asks for the next page."""
    made, asked = [], []
    for kind in ALL:
        async with canned_server([OK]) as server, client_of(kind, server.url) as client:
            response = await post(client)
            made.append({name: type(value) for name, value in vars(response).items() if name != "_client"})
            asked.append((response.http_verb, response.api_url.replace(server.url, "/"), response.req_args))
            assert response._client is client
    assert made[0] == made[1] == made[2]
    assert asked[0] == asked[1] == asked[2]


async def test_what_is_no_http_is_an_error_of_aiohttps() -> None:
    """Bytes that are no HTTP fail the call, and the connection is not used again."""
    async with canned_server([b"220 mail.example ESMTP\r\n", OK]) as server, a_client(server.url) as client:
        with pytest.raises(aiohttp.ClientError):
            await post(client)
        assert (await post(client))["ok"]
        assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize("kind", [SHORT, LONG])
async def test_it_sends_what_slack_sdk_sends(kind: str) -> None:
    """The same head and the same JSON, token and team included, as slack_sdk's own client."""
    sent = []
    for one in (kind, STOCK):
        async with canned_server([OK]) as server, client_of(one, server.url) as client:
            client.default_params = {"team_id": "T1"}
            client.headers.update({"X-Of-Mine": "1 %d", "content-type": "application/json"})
            await client.chat_postMessage(channel="C1", text="grüße \ud83d", metadata={"n": 2**70})
            head, _, body = server.requests[0][1].partition(b"\r\n\r\n")
            line, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
            assert len(headers) == len(lines)  # none of them twice
            del headers["host"]
            sent.append((line, headers, json.loads(body)))
    assert sent[0] == sent[1]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("value", [datetime(2026, 11, 30, tzinfo=UTC), Point(1)], ids=["a time", "a dataclass"])
async def test_what_slack_sdk_refuses_to_write_is_refused(kind: str, value: object) -> None:
    """A value that the standard library has no JSON for fails the call before anything is sent."""
    async with canned_server([OK]) as server, client_of(kind, server.url) as client:
        with pytest.raises(TypeError):
            await client.chat_postMessage(channel="C1", text="hello", metadata={"of_a_team": value})
        assert server.requests == []


async def test_calls_that_share_a_request_keep_their_own_bodies() -> None:
    """Calls of one method at the same time, and one with another token, each send their own text, length and token."""
    texts = ["a", "b" * 300, "c"]
    async with canned_server([OK] * 4) as server, a_client(server.url) as client:
        other = client.copied()
        other.token = "xoxb-of-another"
        calls = [one.chat_postMessage(channel="C1", text=text) for one, text in zip([client] * 3, texts, strict=True)]
        await asyncio.gather(*calls, other.chat_postMessage(channel="C1", text="d"))
        sent = set()
        for _, request in server.requests:
            head, _, body = request.partition(b"\r\n\r\n")
            assert f"content-length: {len(body)}\r\n".encode() in head.lower() + b"\r\n"
            sent.add((json.loads(body)["text"], b"xoxb-of-another" in head))
        assert sent == {("a", False), ("b" * 300, False), ("c", False), ("d", True)}


async def test_connections_are_kept() -> None:
    """One call after the other goes over one connection; one that is closed or dead is not used again."""
    closes = answer(b'{"ok": true}', b"Connection: close")
    async with canned_server([OK, OK, closes, OK, OK]) as server, a_client(server.url) as client:
        for _ in range(4):
            await post(client)
        assert server.last_writer is not None
        server.last_writer.close()  # idle for too long, the other side finds
        await server.last_writer.wait_closed()
        await post(client)
        assert [number for number, _ in server.requests] == [1, 1, 1, 2, 3]


async def test_an_answer_that_nobody_waits_for_is_given_to_nobody_else() -> None:
    """A call that is cancelled takes its connection with it: the next call never sees its answer."""
    second = answer(b'{"ok": true, "ts": "second"}')
    async with canned_server([SILENCE, second]) as server, a_client(server.url) as client:
        first = asyncio.create_task(client.chat_postMessage(channel="C1", text="first"))
        await until(lambda: bool(server.requests))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await client.chat_postMessage(channel="C1", text="second"))["ts"] == "second"
        assert [number for number, _ in server.requests] == [1, 2]


async def test_nobody_there_is_an_error_of_aiohttps() -> None:
    """A port that nobody listens on is what slack_sdk's handlers know as an error of the connection."""
    async with canned_server([]) as server:
        url = server.url
    async with a_client(url) as client:
        with pytest.raises(aiohttp.ClientOSError):
            await post(client)


async def test_who_changes_the_client_of_a_request_gets_it() -> None:
    """A token, a header, an address, a proxy or a session that a listener sets is used, and by nobody else's calls."""
    async with (
        canned_server([OK] * 9) as server,
        a_client("http://slack.example/api/") as client,
        aiohttp.ClientSession(headers={"X-Session": "own"}) as own,
    ):
        client.base_url = server.url
        for change in (
            {"token": "xoxb-another"},
            {"headers": {"X-Of-Mine": "1"}},
            {"base_url": server.url.replace("/api/", "/other/")},
            {"proxy": server.url, "base_url": "http://slack.example/api/"},
            {"session": own},
        ):
            mine = web_client.for_request(client, None)
            vars(mine).update(change)
            await post(mine)
        await post(web_client.for_request(client, None))
        sent = [request for _, request in server.requests]
        assert b"Authorization: Bearer xoxb-another\r\n" in sent[0]
        assert b"X-Of-Mine: 1\r\n" in sent[1]
        assert sent[2].startswith(b"POST /other/chat.postMessage ")
        assert sent[3].startswith(b"POST http://slack.example/api/chat.postMessage ")
        assert b"X-Session: own\r\n" in sent[4]
        assert sent[5].startswith(b"POST /api/chat.postMessage ")
        assert not [sign for sign in (b"another", b"X-Of-Mine", b"X-Session") if sign in sent[5]]


@pytest.mark.parametrize("kind", ALL)
async def test_a_header_with_a_line_break_is_refused(kind: str) -> None:
    """A header that would add another one to the request fails the call before anything is sent."""
    async with canned_server([OK]) as server, client_of(kind, server.url) as client:
        client.headers["X-Bad"] = "1\r\nX-Evil: 1"
        with pytest.raises(ValueError, match="header"):
            await post(client)
        assert server.requests == []


async def test_a_plain_call_takes_the_short_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """chat.postMessage does not pass through slack_sdk's handling of forms and files."""
    monkeypatch.delattr(AsyncBaseClient, "api_call")
    async with canned_server([OK]) as server, a_client(server.url) as client:
        assert (await post(client))["ok"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"params": {"channel": "C1"}},
        {"json": {"channel": "C1"}, "headers": {"X-Of-Mine": "1"}},
        {"data": {"x": "1"}, "files": {}},
        {},
    ],
    ids=["params", "headers", "files", "nothing"],
)
async def test_what_is_not_plain_goes_slack_sdks_way(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but JSON alone is left to slack_sdk, over the same session."""
    seen: list[str] = []
    slack_sdks = AsyncBaseClient.api_call

    async def api_call(self: AsyncBaseClient, api_method: str, **arguments: Any) -> Any:
        seen.append(api_method)
        return await slack_sdks(self, api_method, **arguments)

    monkeypatch.setattr(AsyncBaseClient, "api_call", api_call)
    async with canned_server([OK, OK]) as server, a_client(server.url) as client:
        await post(client)
        await client.api_call("chat.postMessage", **arguments)
        assert seen == ["chat.postMessage"]
        assert [number for number, _ in server.requests] == [1, 1]


async def test_the_response_is_what_slack_sdks_constructor_makes() -> None:
    """It is made without that constructor: it has the same attributes, and the same values in them."""
    async with canned_server([OK]) as server, a_client(server.url) as client:
        response = await client.chat_postMessage(channel="C1", text="hello")
        made = AsyncSlackResponse(
            client=client,
            http_verb="POST",
            api_url=response.api_url,
            req_args=response.req_args,
            data=response.data,
            headers=response.headers,
            status_code=200,
        )
        assert type(response) is AsyncSlackResponse
        assert vars(response) == vars(made)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server on loopback serves TLS with, and what trusts its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made, key)
    return tls, ssl.create_default_context(cafile=str(made))


async def test_over_tls_the_certificate_counts(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A certificate that is trusted is talked to; one that is not is an error before anything is sent."""
    tls, trust = certificate
    async with canned_server([OK], tls) as server, a_client(server.url) as client:
        with pytest.raises(aiohttp.ClientOSError):
            await post(client)
        assert server.requests == []
        client.ssl = trust
        assert (await post(client))["ok"]


async def test_what_is_sent_again_trusts_the_same_certificate(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """After a 503, slack_sdk sends the call again: to the same server, with the client's own certificates."""
    tls, trust = certificate
    async with canned_server([UNAVAILABLE, OK], tls) as server, a_client(server.url) as client:
        client.ssl = trust
        assert (await post(client))["ok"]
        assert len(server.requests) == 2


async def test_what_is_sent_again_goes_through_the_proxy() -> None:
    """After a 503, slack_sdk sends the call again: through the proxy, as what was sent first."""
    async with canned_server([UNAVAILABLE, OK]) as server, a_client("http://slack.example/api/") as client:
        client.proxy = server.url
        assert (await post(client))["ok"]
        sent = [request.split(b"\r\n")[0] for _, request in server.requests]
        assert sent == [b"POST http://slack.example/api/chat.postMessage HTTP/1.1"] * 2


async def test_what_is_sent_again_has_the_time_of_the_client() -> None:
    """The second try of a call ends after `client.timeout` too, and not after the time of the session."""
    async with canned_server([UNAVAILABLE, SILENCE]) as server, a_client(server.url) as client:
        client.timeout = 2
        call = asyncio.ensure_future(post(client))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(call), 10)
        assert call.done()
        assert len(server.requests) == 2
