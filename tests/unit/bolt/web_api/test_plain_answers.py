"""A plain answer is read without aiohttp's response; whatever else comes, its connection is given back or closed."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import Callable

import aiohttp
import pytest
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api import short_call
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.bolt.web_api.request import Request
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from multidict import CIMultiDictProxy
from slack_sdk.errors import SlackApiError

from tests.support.canned_server import SILENCE, CannedServer, answer, canned_server
from tests.support.waiting import until
from tests.unit.bolt.web_api.clients import a_client, post
from tests.unit.bolt.web_api.test_short_call import CASES

OK = answer(b'{"ok": true, "ts": "1.2"}', b"x-oauth-scopes: chat:write")


def in_use(client: WatchedClient) -> int:
    """Returns how many connections the client's calls have taken and not given back or left to each other."""
    assert client.shared is not None
    connector = client.shared.connector
    assert isinstance(connector, Connector)
    return len(connector._acquired) - len(connector._left)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the requests for which aiohttp's response was made."""
    found: list[str] = []
    answered: Callable[..., aiohttp.ClientResponse] = Request.answered

    def note(request: Request, *more: object) -> aiohttp.ClientResponse:
        found.append(request.method)
        return answered(request, *more)

    monkeypatch.setattr(Request, "answered", note)
    return found


async def test_a_plain_answer_needs_no_response_of_aiohttps(made: list[str]) -> None:
    """A 200 with Slack's JSON is read from aiohttp's parser; data, status and headers are what they always are."""
    async with canned_server([OK, answer(b"{}", status=b"404 Not Found")]) as server, a_client(server.url) as client:
        response = await post(client)
        assert made == []
        assert (response.status_code, response.data) == (200, {"ok": True, "ts": "1.2"})
        assert type(response.headers) is CIMultiDictProxy
        assert response.headers["X-OAuth-Scopes"] == "chat:write"
        with pytest.raises(SlackApiError):
            await post(client)
        assert made == ["POST"]


async def test_an_error_of_slacks_is_a_plain_answer_too(made: list[str]) -> None:
    """`ok: false` in a 200 raises slack_sdk's error, with the data, and keeps the connection."""
    refused = answer(b'{"ok": false, "error": "channel_not_found"}')
    async with canned_server([refused, OK]) as server, a_client(server.url) as client:
        with pytest.raises(SlackApiError) as caught:
            await post(client)
        assert caught.value.response["error"] == "channel_not_found"
        await post(client)
        assert made == []
        assert [number for number, _ in server.requests] == [1, 1]


@pytest.mark.parametrize("answers", CASES.values(), ids=CASES.keys())
async def test_a_call_that_has_ended_uses_no_connection(answers: list[bytes]) -> None:
    """Whatever came back, and however the call ended, its connection is free for others or closed."""
    async with canned_server(answers) as server, a_client(server.url) as client:
        with contextlib.suppress(Exception):  # which one it is, another test says
            await post(client)
        assert server.requests
        assert in_use(client) == 0


async def half_an_answer(server: CannedServer, client: WatchedClient, made: list[str]) -> asyncio.Task[object]:
    """Begins a call, and returns it when it has read the head and the first half of its answer."""
    calling = asyncio.create_task(post(client))
    await until(lambda: server.requests, what="the request has come")
    assert server.last_writer is not None
    server.last_writer.write(OK[:-9])
    await until(lambda: made or calling.done(), what="the head was read")
    assert not calling.done()
    return calling


async def test_a_body_in_two_pieces_is_read_as_a_whole(made: list[str]) -> None:
    """Where the rest of a body comes later it is waited for, and its connection is kept."""
    async with canned_server([SILENCE]) as server, a_client(server.url) as client:
        calling = await half_an_answer(server, client, made)
        assert server.last_writer is not None
        server.last_writer.write(OK[-9:])
        assert (await calling)["ts"] == "1.2"  # type: ignore[index]
        assert (in_use(client), server.open, server.connections) == (0, 1, 1)


async def test_a_body_that_ends_early_is_an_error(made: list[str]) -> None:
    """A body that is cut after its first half fails the call, as aiohttp has it, and nothing is sent again."""
    async with canned_server([SILENCE, OK]) as server, a_client(server.url) as client:
        calling = await half_an_answer(server, client, made)
        assert server.last_writer is not None
        server.last_writer.close()
        with pytest.raises(aiohttp.ClientPayloadError):
            await calling
        assert (in_use(client), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("length", [50_000, 140_000, 500_000])
async def test_a_large_answer_leaves_its_connection_to_the_next_call(length: int, *, is_compressed: bool) -> None:
    """aiohttp stops reading from a connection that has brought too much at once; it has to read from it again."""
    body = b'{"ok": true, "of": "%s"}' % (b"a" * length)
    zipped = answer(gzip.compress(body), b"Content-Encoding: gzip")
    answers = [zipped if is_compressed else answer(body), OK]
    async with canned_server(answers) as server, a_client(server.url) as client:
        assert len((await post(client))["of"]) == length
        assert (await post(client))["ts"] == "1.2"
        assert (in_use(client), server.connections) == (0, 1)


@pytest.mark.parametrize("when", ["before its answer", "in its answer"])
async def test_a_cancelled_call_closes_its_connection(when: str, made: list[str]) -> None:
    """The rest of its answer can reach nobody: the connection is closed, and the next call opens another one."""
    async with canned_server([SILENCE, OK]) as server, a_client(server.url) as client:
        if when == "in its answer":
            calling = await half_an_answer(server, client, made)
        else:
            calling = asyncio.create_task(post(client))
            await until(lambda: server.requests, what="the request has come")
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert in_use(client) == 0
        await until(lambda: server.open == 0, what="the connection is closed")
        await post(client)
        assert [number for number, _ in server.requests] == [1, 2]


async def test_a_call_that_takes_too_long_closes_its_connection() -> None:
    """After `client.timeout` the call fails with TimeoutError, and its connection is closed."""
    async with canned_server([SILENCE]) as server, a_client(server.url) as client:
        client.timeout = 0.05  # type: ignore[assignment]  # slack_sdk's annotation has whole seconds
        with pytest.raises(TimeoutError):
            await post(client)
        assert in_use(client) == 0
        await until(lambda: server.open == 0, what="the connection is closed")


async def test_a_run_that_is_cut_resets_a_kept_connection() -> None:
    """A call over a connection that an earlier one has left is known to its run, and is reset with it."""
    async with canned_server([OK, SILENCE]) as server, a_client(server.url) as shared:
        await post(shared)
        calls = Calls()
        calling = asyncio.create_task(post(web_client.for_request(shared, None, calls)))
        await until(lambda: len(server.requests) == 2, what="the second request has come")
        assert server.connections == 1
        calls.reset()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: server.open == 0, what="the connection is reset")


async def test_a_cut_run_gets_no_kept_connection() -> None:
    """A call that had begun when its run was cut sends nothing, though a connection is free."""
    async with canned_server([OK, OK]) as server, a_client(server.url) as client:
        await post(client)
        calls = Calls()
        begun = calls.begin("a call")
        calls.reset()
        assert client.shared is not None
        with pytest.raises(asyncio.CancelledError, match="its run was cut short"):
            await short_call.send(client, client.shared, "chat.postMessage", {"channel": "C1", "text": "hi"})
        calls.end(begun)
        assert (in_use(client), len(server.requests)) == (0, 1)


async def test_a_token_of_one_call_is_nobody_elses() -> None:
    """A token that is given to one call is sent in its head, not in its JSON, and not with the next call."""
    async with canned_server([OK, OK]) as server, a_client(server.url) as client:
        await client.chat_postMessage(channel="C1", text="hi", token="xoxb-of-one-call")
        await client.chat_postMessage(channel="C1", text="hi")
        first, second = (request for _, request in server.requests)
        assert b"Authorization: Bearer xoxb-of-one-call\r\n" in first
        assert first.count(b"xoxb-") == 1
        assert b"Authorization: Bearer xoxb-made-up\r\n" in second


async def test_who_changes_a_response_changes_no_other_call() -> None:
    """The arguments of a response belong to it, although calls share what they are made of."""
    async with canned_server([OK, OK]) as server, a_client(server.url) as client:
        first = await post(client)
        first.req_args["headers"]["Authorization"] = "Bearer another"
        first.req_args["params"] = {"cursor": "next"}
        second = await post(client)
        assert second.req_args["headers"]["Authorization"] == "Bearer xoxb-made-up"
        assert second.req_args["params"] is None
        assert b"Authorization: Bearer xoxb-made-up\r\n" in server.requests[1][1]
