"""Plain calls leave their connections to each other: nobody else waits for one, and nobody reads another's answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api import session, short_call
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.bolt.web_api.kept import Kept, is_clean
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from anchorbolt.timers import of_this_loop
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.canned_server import SILENCE, answer, canned_server
from tests.support.waiting import until
from tests.unit.bolt.web_api.clients import OURS, a_client, client_of, post

NO_LIMIT = aiohttp.ClientTimeout(total=None)
OK = answer(b'{"ok": true, "ts": "1.2"}')
STRAY = answer(b'{"ok": true, "ts": "of nobody"}')
WHOLE, HEAD, NAME, FIRST = len(STRAY), STRAY.index(b"{"), STRAY.index(b"pe:"), 1


def connector_of(client: AsyncWebClient) -> Connector:
    """Returns the connector of the client's session."""
    assert client.session is not None
    assert isinstance(client.session.connector, Connector)
    return client.session.connector


def sent_before(client: WatchedClient) -> tuple[aiohttp.ClientRequest, ConnectionKey]:
    """Returns the request that `post` sends, without its body, and the key of its connections."""
    assert client.shared is not None
    headers = tuple(client.headers.items())
    *_, found = short_call._prepared(
        client.shared, client.base_url, "chat.postMessage", client.token, headers, client.ssl, client.proxy
    )
    return found._request, found._key


def free(client: AsyncWebClient) -> list[ResponseHandler]:
    """Returns the open connections that no call uses."""
    connector = connector_of(client)
    pooled = [protocol for held in connector._conns.values() for protocol, _ in held]
    return [one.protocol for one in connector._left] + pooled


async def not_plain(client: WatchedClient) -> None:
    """Makes a call that aiohttp's session has to make."""
    await client.api_call("users.info", params={"user": "U1"})


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("length", [WHOLE, WHOLE - 1, HEAD, NAME, FIRST])
@pytest.mark.parametrize("when", ["with its answer", "after its answer"])
async def test_what_nobody_asked_for_answers_no_call(kind: str, length: int, when: str) -> None:
    """A connection that brings more than an answer, whole or in part, is not used again, and its bytes reach nobody."""
    part, rest = STRAY[:length], STRAY[length:]
    answers = [OK + part, OK] if when == "with its answer" else [OK, OK]
    async with canned_server(answers) as server, client_of(kind, server.url) as client:
        assert (await post(client))["ts"] == "1.2"
        first = server.last_writer
        assert first is not None
        if when == "after its answer":
            first.write(part)
            await until(lambda: not any(map(is_clean, free(client))), what="the bytes have come")
        calling = asyncio.create_task(post(client))
        await until(lambda: len(server.requests) == 2, what="the second request has come")
        first.write(rest)
        assert (await calling)["ts"] == "1.2"
        assert [number for number, _ in server.requests] == [1, 2]


async def test_one_parser_reads_all_answers_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain calls after each other use one connection and make one parser; after another answer aiohttp makes one."""
    made: list[ResponseHandler] = []
    makes = ResponseHandler.set_response_params

    def note(protocol: ResponseHandler, **how: Any) -> None:
        made.append(protocol)
        makes(protocol, **how)

    monkeypatch.setattr(ResponseHandler, "set_response_params", note)
    async with canned_server([OK] * 5) as server, a_client(server.url) as client:
        for _ in range(3):
            assert (await post(client))["ts"] == "1.2"
        assert len(made) == 1
        await not_plain(client)
        await post(client)
        assert (len(made), server.connections) == (3, 1)


async def test_a_cut_run_resets_no_connection_that_it_has_left() -> None:
    """Where one call of a run has ended, its connection may be another run's by now, while its other call goes on."""
    async with canned_server([SILENCE, OK, SILENCE]) as server, a_client(server.url) as shared:
        calls = Calls()
        mine, other = web_client.for_request(shared, None, calls), web_client.for_request(shared, None, Calls())
        cut = asyncio.create_task(post(mine))
        await until(lambda: len(server.requests) == 1, what="the first call is under way")
        await post(mine)
        goes_on = asyncio.create_task(post(other))
        await until(lambda: len(server.requests) == 3, what="the call of the other run is under way")
        assert [number for number, _ in server.requests] == [1, 2, 2]
        calls.reset()
        with pytest.raises(asyncio.CancelledError):
            await cut
        assert server.last_writer is not None
        server.last_writer.write(OK)
        assert (await goes_on)["ts"] == "1.2"


async def test_a_connection_that_was_left_is_free_for_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is not plain, or for another host, gets the connection or its place where there is no other."""
    monkeypatch.setattr(session, "CONNECTIONS", 2)
    async with canned_server([OK, SILENCE]) as server, canned_server([OK] * 3) as other, a_client(server.url) as client:
        client.timeout = 5
        await post(client)
        holds = asyncio.create_task(not_plain(client))
        await until(lambda: len(server.requests) == 2, what="a call that is not plain is under way")
        client.base_url = other.url
        await post(client)
        await not_plain(client)
        client.base_url = other.url.replace("127.0.0.1", "localhost")
        await post(client)
        assert (server.connections, len(other.requests)) == (1, 3)
        holds.cancel()


async def test_who_waits_for_a_connection_gets_the_next_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain calls that follow each other do not keep a connection from a call that waits for one."""
    monkeypatch.setattr(session, "CONNECTIONS", 1)
    async with canned_server([SILENCE, *[OK] * 9]) as server, a_client(server.url) as client:
        client.timeout = 5
        first = asyncio.create_task(post(client))
        await until(lambda: server.requests, what="the plain call is under way")
        waits = asyncio.create_task(not_plain(client))
        connector = connector_of(client)
        await until(lambda: connector._waiters, what="the other call waits")
        assert server.last_writer is not None
        server.last_writer.write(OK)
        await first
        await waits
        assert (server.connections, len(server.requests)) == (1, 2)


async def test_all_who_wait_get_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who wait get both connections that are left in one moment, before the first of them has run."""
    monkeypatch.setattr(session, "CONNECTIONS", 3)
    async with canned_server([OK] * 3) as server, a_client(server.url) as client:
        await asyncio.gather(*(post(client) for _ in range(3)))
        connector, request, key = connector_of(client), *sent_before(client)
        first, second = connector.take(key), connector.take(key)
        assert first is not None
        assert second is not None
        third = await connector.connect(request, [], NO_LIMIT)
        waiting = [asyncio.create_task(connector.connect(request, [], NO_LIMIT)) for _ in range(2)]
        await until(lambda: len(connector._waiters.get(key, ())) == 2, what="both wait")
        connector.leave(first)
        connector.leave(second)
        for connection in (third, *await asyncio.wait_for(asyncio.gather(*waiting), 10)):
            connection.release()
        assert server.connections == 3


async def test_a_connection_that_was_idle_for_too_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the timer that closes it is late: the other side may be closing it."""
    async with canned_server([OK, OK]) as server, a_client(server.url) as client:
        await post(client)
        later = time.monotonic() + session.IDLE_SECONDS + 0.1
        monkeypatch.setattr("anchorbolt.bolt.web_api.kept.monotonic", lambda: later)
        await post(client)
        assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize("given_back_after", [0.9, 1.1])
async def test_what_goes_back_to_the_pool_has_been_idle_since_its_last_call(
    monkeypatch: pytest.MonkeyPatch, given_back_after: float
) -> None:
    """A call for another host gives aiohttp what was left, for the rest of its time. The times are in IDLE_SECONDS."""
    async with canned_server([OK, OK]) as server, canned_server([OK]) as other, a_client(server.url) as client:
        await post(client)
        left, passed = time.monotonic(), given_back_after
        for module in ("anchorbolt.bolt.web_api.kept", "aiohttp.connector"):
            monkeypatch.setattr(f"{module}.monotonic", lambda: left + passed * session.IDLE_SECONDS)
        client.base_url = other.url
        await post(client)
        passed = 1.1
        client.base_url = server.url
        await not_plain(client)
        assert [number for number, _ in server.requests] == [1, 2]


async def test_what_is_idle_is_closed_and_what_was_used_since_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer closes only connections that were left longer ago than IDLE_SECONDS, and looks again for the others."""
    began, passed = time.monotonic(), 0.0
    monkeypatch.setattr("anchorbolt.bolt.web_api.kept.monotonic", lambda: began + passed * session.IDLE_SECONDS)
    async with canned_server([OK] * 4) as server, a_client(server.url) as client:
        await asyncio.gather(post(client), post(client))
        passed = 0.9
        await post(client)
        used = server.requests[-1][0]
        connector = connector_of(client)
        assert len(connector._left) == 2
        passed = 1.1
        connector._close_idle()
        await until(lambda: server.open == 1, what="the idle one is closed")
        await post(client)
        assert (server.requests[-1][0], server.connections) == (used, 2)
        again = connector._idle_timer
        assert again in of_this_loop().waiting
        assert again is not None
        passed = 2.2
        again.ring()
        await until(lambda: server.open == 0, what="the other one, which is idle by now, is closed too")
        assert connector._idle_timer is None


async def test_a_connection_that_was_closed_meanwhile_is_not_used() -> None:
    """Where the other side has closed it while no call used it, the next call opens another one, and is sent once."""
    async with canned_server([OK, OK]) as server, a_client(server.url) as client:
        await post(client)
        (left,) = free(client)
        assert server.last_writer is not None
        server.last_writer.close()
        await until(lambda: left.transport is None, what="the client has seen it")
        assert (await post(client))["ts"] == "1.2"
        assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize("last", [OK, answer(b"<h1>Bad Gateway</h1>", status=b"502 Bad Gateway", kind=b"text/html")])
async def test_the_time_of_a_call_ends_with_it(last: bytes) -> None:
    """However it was answered, nothing rings for it afterwards, when the connection may be another call's."""
    async with canned_server([OK, last]) as server, a_client(server.url) as client:
        await post(client)
        with contextlib.suppress(SlackApiError):
            await post(client)
        assert len(server.requests) == 2
        assert not [one for one in of_this_loop().waiting if isinstance(one, Kept)]


async def test_the_end_of_the_session_closes_what_was_left() -> None:
    """No connection stays open."""
    async with canned_server([OK]) as server:
        async with a_client(server.url) as client:
            await post(client)
            assert server.open == 1
        await until(lambda: server.open == 0, what="the connection is closed")


async def test_a_connection_with_a_request_that_was_not_read_is_not_used() -> None:
    """A server that answers before it has read all of a request may take the next one for its rest."""
    async with canned_server([SILENCE, OK]) as server, a_client(server.url) as client:
        calling = asyncio.create_task(post(client))
        await until(lambda: server.requests, what="the call is under way")
        (protocol,) = connector_of(client)._acquired
        protocol.pause_writing()  # as the transport does when the server reads nothing more
        assert server.last_writer is not None
        server.last_writer.write(OK)
        await calling
        await post(client)
        assert [number for number, _ in server.requests] == [1, 2]
