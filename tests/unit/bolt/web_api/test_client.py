"""What a listener may expect of the Web API client: pages, its own retry handlers, time limits, and dead addresses."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api import session
from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.emulator.samples import make
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.canned_server import SILENCE, answer, canned_server
from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.web_api.clients import ALL, OURS, STOCK, FatalError, client_of, ending, outcome, post

OK = answer(b'{"ok": true, "ts": "1.2"}')
AUTH = answer(b'{"ok": true, "team_id": "T0ANCH0R", "bot_id": "B1", "user_id": "U1", "user": "anchorbolt"}')
FATAL = answer(b'{"ok": false, "error": "fatal_error"}')
PAGES = [
    answer(b'{"ok": true, "items": [1], "response_metadata": {"next_cursor": "second"}}'),
    answer(b'{"ok": true, "items": [2], "response_metadata": {"next_cursor": "third"}}'),
    answer(b'{"ok": true, "items": [3], "response_metadata": {"next_cursor": ""}}'),
]


async def items(client: AsyncWebClient) -> list[Any]:
    """Reads a list page by page, as slack_sdk's documentation has it."""
    return [page["items"] async for page in await client.slackLists_items_list(list_id="F1", limit=1)]


async def test_each_page_is_asked_for_with_the_token() -> None:
    """`async for` over a paged call with JSON reads all pages, and asks for them as slack_sdk's own client does."""
    asked = {}
    for kind in ALL:
        async with canned_server(PAGES) as server, client_of(kind, server.url) as client:
            assert await items(client) == [[1], [2], [3]]
            heads = [request.partition(b"\r\n\r\n")[0] for _, request in server.requests]
            assert all(b"Authorization: Bearer xoxb-made-up\r\n" in head for head in heads)
            asked[kind] = [head.partition(b"\r\n")[0] for head in heads]
    for kind in OURS:
        assert asked[kind] == asked[STOCK]
    assert b"cursor=third" in asked[STOCK][2]


@pytest.mark.parametrize("kind", ALL)
async def test_a_retry_handler_of_a_team_is_asked(kind: str) -> None:
    """A handler that a team appends sees a 200 with an error of Slack's, and the call is made again if it says so."""

    async def call(client: AsyncWebClient) -> Any:
        client.retry_handlers.append(FatalError())
        return await post(client)

    assert (await outcome(kind, [FATAL, OK], call))[1:] == (200, None, 2)
    assert (await outcome(kind, [FATAL, FATAL], call))[2:] == (200, 2)


async def test_a_retry_handler_set_before_the_start_is_asked() -> None:
    """A handler on the client of the process holds before its session is open, after that, and for each request."""
    async with canned_server([FATAL, OK] * 3) as server:
        client = web_client.create("xoxb-made-up", server.url)
        client.retry_handlers.append(FatalError())
        assert (await post(client))["ok"]
        web_client.share(client)
        try:
            assert (await post(client))["ok"]
            assert (await post(web_client.for_request(client, "T1")))["ok"]
        finally:
            await web_client.close(client)
        assert len(server.requests) == 6


async def test_a_retry_handler_of_one_request_is_nobody_elses() -> None:
    """A listener's handler is asked for its own calls and for no others."""
    async with canned_server([FATAL, OK, FATAL]) as server, client_of(ALL[0], server.url) as client:
        mine = web_client.for_request(client, None)  # type: ignore[arg-type]  # ALL[0] is ours
        mine.retry_handlers.append(FatalError())
        assert (await post(mine))["ok"]
        other = web_client.for_request(client, None)  # type: ignore[arg-type]
        assert (await ending(post(other), server))[2:] == (200, 3)


async def test_what_register_sets_on_the_client_holds_in_listeners(app_with: AppWith) -> None:
    """`app.client.retry_handlers.append(...)` and `app.client.timeout = ...` hold for the client of each listener."""
    ended: list[Any] = []

    def register(app: AsyncApp) -> None:
        app.client.retry_handlers.append(FatalError())
        app.client.timeout = 0.2  # type: ignore[assignment]  # slack_sdk says int, and passes it to aiohttp

        @app.event("app_mention")
        async def mentioned(client: AsyncWebClient) -> None:
            ended.append((await post(client))["ok"])
            with pytest.raises(TimeoutError):
                await post(client)
            ended.append("timeout")

    async with canned_server([AUTH, FATAL, OK, SILENCE]) as server, app_with(register, slack_api_url=server.url) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
        assert ended == [True, "timeout"]
        assert len(server.requests) == 4


@pytest.mark.parametrize("kind", OURS)
async def test_the_timeout_of_a_client_is_honoured(kind: str) -> None:
    """`client.timeout` ends a call that gets no answer, and an answer that does not end. Neither is sent again."""
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    for silent in (SILENCE, begun):
        async with canned_server([silent]) as server, client_of(kind, server.url) as client:
            client.timeout = 0.1  # type: ignore[assignment]  # see above
            assert await ending(post(client), server) == (TimeoutError, 1)


async def test_the_timeout_holds_for_an_upload() -> None:
    """`client.timeout` ends an upload too, which slack_sdk sends past `api_call`."""
    async with canned_server([]) as server, client_of(ALL[0], server.url) as client:
        place = b'{"ok": true, "file_id": "F1", "upload_url": "%supload"}' % server.url.encode()
        server.answers[:] = [answer(place), SILENCE]
        client.timeout = 0.2  # type: ignore[assignment]  # see above
        with pytest.raises(TimeoutError):
            await client.files_upload_v2(content="hello", filename="hello.txt")
        assert server.requests[1][1].startswith(b"POST /api/upload ")


async def test_an_upload_ends_as_with_slack_sdk() -> None:
    """A file is uploaded, or refused, as with slack_sdk's own client."""
    done = answer(b'{"ok": true, "files": [{"id": "F1"}]}')
    for uploaded in (answer(b"OK - 5", kind=b"text/plain"), answer(b"no", kind=b"text/plain", status=b"404 Not Found")):
        ends = []
        for kind in ALL:
            async with canned_server([]) as server, client_of(kind, server.url) as client:
                place = b'{"ok": true, "file_id": "F1", "upload_url": "%supload"}' % server.url.encode()
                server.answers[:] = [answer(place), uploaded, done]
                ends.append(await ending(client.files_upload_v2(content="hello", filename="hello.txt"), server))
        assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("kind", OURS)
async def test_a_session_of_a_listener_has_its_own_time_limit(kind: str) -> None:
    """A session that a listener sets is used as it is: its time limit counts, as with slack_sdk's own client."""
    own = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1))
    async with canned_server([SILENCE]) as server, client_of(kind, server.url) as client, own:
        client.session = own
        assert await ending(post(client), server) == (TimeoutError, 1)


@pytest.mark.parametrize("kind", OURS)
async def test_the_wait_for_a_free_connection_is_bounded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all connections in use, a further call waits for one no longer than its timeout, and none is opened."""
    monkeypatch.setattr(session, "CONNECTIONS", 2)
    async with canned_server([SILENCE] * 3) as server, client_of(kind, server.url) as client:
        busy = [asyncio.create_task(post(client)) for _ in range(2)]
        await until(lambda: len(server.requests) == 2)
        client.timeout = 0.1  # type: ignore[assignment]  # see above
        assert await ending(post(client), server) == (TimeoutError, 2)
        assert server.connections == 2
        for call in busy:
            call.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


class TwoAddresses(AbstractResolver):
    """A host with two addresses, of which the first is dead."""

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        """Gives the addresses in the order in which they are to be tried."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in ("127.0.0.2", "127.0.0.1")
        ]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def dead_address(host: str, port: int) -> AsyncIterator[None]:
    """An address that answers no attempt to connect: its queue of connections is full, and nobody accepts them."""
    with socket.socket() as listening:
        listening.bind((host, port))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((host, port))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.open_connection(host, port)
        try:
            yield
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("kind", OURS)
async def test_a_dead_address_is_passed_by(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first address of a host does not answer and the second does, a call succeeds long before its limit."""
    monkeypatch.setattr(session, "Connector", functools.partial(Connector, resolver=TwoAddresses()))
    async with canned_server([OK]) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        async with dead_address("127.0.0.2", port), client_of(kind, f"http://slack.example:{port}/api/") as client:
            client.timeout = 10
            assert (await post(client))["ok"]


@pytest.mark.parametrize("kind", OURS)
async def test_idle_connections_are_closed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody uses is closed after IDLE_SECONDS, which are fewer than Slack's own side waits."""
    assert 0 < session.IDLE_SECONDS <= 15
    monkeypatch.setattr(session, "IDLE_SECONDS", 0.2)
    async with canned_server([OK] * 3) as server, client_of(kind, server.url) as client:
        await asyncio.gather(*(post(client) for _ in range(3)))
        assert server.connections == 3
        # aiohttp by itself keeps them for longer than this test waits.
        await until(lambda: server.open == 0, within_seconds=10, what="idle connections are closed")
