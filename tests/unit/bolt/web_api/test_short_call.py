"""The short way of a Web API call ends as slack_sdk's own way does, whatever comes back."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api.pool import WebPool
from anchorbolt.bolt.web_api.watched_client import Shared, WatchedClient
from slack_sdk.errors import SlackApiError

from tests.support.canned_server import CLOSED, SILENCE, answer, canned_server
from tests.support.waiting import until

OK = answer(b'{"ok": true, "ts": "1.2"}')


@asynccontextmanager
async def a_client(url: str, *, short: bool = True) -> AsyncIterator[WatchedClient]:
    """As the app makes it; `short` False: every call goes slack_sdk's own way."""
    client = web_client.create("xoxb-made-up", url)
    web_client.share(client)
    shared = client.shared
    if not short:
        client.shared = None
    try:
        yield client
    finally:
        client.shared = shared
        await web_client.close(client)


async def outcome(answers: list[bytes], *, short: bool) -> Any:
    """What a listener sees of one call."""
    async with canned_server(answers) as server, a_client(server.url, short=short) as client:
        try:
            response = await client.chat_postMessage(channel="C1", text="hello")
        except SlackApiError as error:
            found = error.response
            return type(error), getattr(found, "status_code", getattr(found, "status", None)), len(server.requests)
        except Exception as error:
            return type(error), None, len(server.requests)
        return response.data, response.status_code, response.headers.get("X-OAuth-Scopes"), len(server.requests)


CASES = {
    "a plain answer": [answer(b'{"ok": true, "ts": "1.2"}', b"x-oauth-scopes: chat:write")],
    "an error of Slack's": [answer(b'{"ok": false, "error": "channel_not_found"}')],
    "chunks": [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'7\r\n{"ok": \r\n5\r\ntrue}\r\n0\r\n\r\n'
    ],
    "no length": [b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: until-closed\r\n\r\n{"ok": true}'],
    "early hints before it": [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK],
    "rate limited, then not": [answer(b'{"ok": false}', b"Retry-After: 0", status=b"429 Too Many Requests"), OK],
    "rate limited twice": [answer(b'{"ok": false}', b"Retry-After: 0", status=b"429 Too Many Requests")] * 2,
    "closed instead of an answer, then not": [CLOSED, OK],
    "an error page": [answer(b"<h1>Bad Gateway</h1>", status=b"502 Bad Gateway", kind=b"text/html")],
    "a page with 200": [answer(b"<h1>Welcome</h1>", kind=b"text/html")],
    "a page that says it is JSON": [answer(b"<h1>Welcome</h1>")],
    "a list": [answer(b"[]")],
    "an empty answer": [answer(b"")],
    "ok without a body": [b"HTTP/1.1 204 No Content\r\n\r\n"],
}


@pytest.mark.parametrize("answers", CASES.values(), ids=CASES.keys())
async def test_it_ends_as_the_long_way(answers: list[bytes]) -> None:
    """The same data, the same error, the same number of tries as through aiohttp and slack_sdk."""
    assert await outcome(answers, short=True) == await outcome(answers, short=False)


async def test_a_response_has_all_that_the_sdk_gives_it() -> None:
    """The short way makes it without its constructor: a field that a new slack_sdk adds must not be forgotten."""
    made = []
    for short in (True, False):
        async with canned_server([OK]) as server, a_client(server.url, short=short) as client:
            response = await client.chat_postMessage(channel="C1", text="hello")
            made.append({name: type(value) for name, value in vars(response).items() if name != "headers"})
    assert made[0].keys() == made[1].keys()
    assert made[0]["_logger"] is made[1]["_logger"]


async def test_what_is_no_http_is_an_error_of_aiohttps() -> None:
    """Bytes that are no HTTP fail the call, and the connection is not used again."""
    async with canned_server([b"220 mail.example ESMTP\r\n", OK]) as server, a_client(server.url) as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.chat_postMessage(channel="C1", text="hello")
        assert (await client.chat_postMessage(channel="C1", text="hello"))["ok"]
        assert [number for number, _ in server.requests] == [1, 2]


async def test_it_sends_what_the_long_way_sends() -> None:
    """The same head and the same JSON, token and team included, as through aiohttp and slack_sdk."""
    sent = []
    for short in (True, False):
        async with canned_server([OK]) as server, a_client(server.url, short=short) as client:
            client.default_params = {"team_id": "T1"}
            client.headers["X-Of-Mine"] = "1"
            await client.chat_postMessage(channel="C1", text="grüße")
            head, _, body = server.requests[0][1].partition(b"\r\n\r\n")
            line, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
            for of_aiohttp in ("accept", "accept-encoding", "content-length", "host"):
                headers.pop(of_aiohttp, None)
            sent.append((line, headers, json.loads(body)))
    assert sent[0] == sent[1]


async def test_connections_are_kept() -> None:
    """One call after the other goes over one connection; one that is closed or dead is not used again."""
    closes = answer(b'{"ok": true}', b"Connection: close")
    async with canned_server([OK, OK, closes, OK, OK]) as server, a_client(server.url) as client:
        for _ in range(4):
            await client.chat_postMessage(channel="C1", text="hello")
        assert server.last_writer is not None
        server.last_writer.close()  # idle for too long, the other side finds
        await server.last_writer.wait_closed()
        await client.chat_postMessage(channel="C1", text="hello")
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


async def test_silence_ends() -> None:
    """An answer that does not come within the time limit is a TimeoutError."""
    async with canned_server([SILENCE]) as server, a_client(server.url) as client:
        assert client.shared is not None
        client.shared = Shared(client.shared.session, WebPool(server.url, 0.05), client.retry_handlers)
        with pytest.raises(TimeoutError):
            await client.chat_postMessage(channel="C1", text="hello")


async def test_nobody_there_is_an_error_of_aiohttps() -> None:
    """A port that nobody listens on is what slack_sdk's handlers know as an error of the connection."""
    async with canned_server([]) as server:
        url = server.url
    async with a_client(url) as client:
        with pytest.raises(aiohttp.ClientOSError):
            await client.chat_postMessage(channel="C1", text="hello")


@pytest.mark.parametrize("change", ["session", "retry_handlers", "base_url", "token", "header"])
async def test_who_changes_the_transport_gets_it(change: str) -> None:
    """A client with a session, handlers, an address or a head of its own never goes the short way."""
    async with canned_server([OK]) as server, a_client(server.url) as client, aiohttp.ClientSession() as own:
        mine = web_client.for_request(client, None)
        match change:
            case "session":
                mine.session = own
            case "retry_handlers":
                mine.retry_handlers.append(client.retry_handlers[0])
            case "base_url":
                mine.base_url = server.url.replace("127.0.0.1", "localhost")
            case "token":
                mine.token = None
            case "header":
                mine.headers["X-Bad"] = "1\r\nX-Evil: 1"
        assert mine._short("chat.postMessage", {"json": {"channel": "C1"}}) is None
        assert client._short("chat.postMessage", {"json": {"channel": "C1"}}) is not None


@pytest.mark.parametrize(
    "arguments",
    [
        {"params": {"channel": "C1"}},
        {"json": {"channel": "C1"}, "http_verb": "GET"},
        {"json": {"token": "xoxb-another"}},
        {"json": {1: "no string"}},
        {"json": {"text": "half of a pair: \ud83d"}},
        {"data": {"x": "1"}, "files": {}},
    ],
    ids=["params", "another verb", "a token", "a number as key", "a lone surrogate", "files"],
)
async def test_what_is_not_plain_goes_the_long_way(arguments: dict[str, Any]) -> None:
    """What needs more of an HTTP client, or of a JSON library, than a plain POST does is left to theirs."""
    async with a_client("http://127.0.0.1:9/api/") as client:
        assert client._short("chat.postMessage", arguments) is None


async def test_over_tls_the_certificate_counts(tmp_path: Path) -> None:
    """A certificate that is trusted is talked to; one that is not is an error before anything is sent."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, [*request, *names], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with canned_server([OK], tls) as server, a_client(server.url) as client:
        assert client.shared is not None
        with pytest.raises(aiohttp.ClientOSError):
            await client.chat_postMessage(channel="C1", text="hello")
        assert server.requests == []
        trusting = WebPool(server.url, 5, ssl.create_default_context(cafile=str(certificate)))
        client.shared = Shared(client.shared.session, trusting, client.retry_handlers)
        assert (await client.chat_postMessage(channel="C1", text="hello"))["ok"]
