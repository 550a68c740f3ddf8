"""The calls of a run end with it: reset where its lease is lost, refused where it is over, or given a moment to end."""

from __future__ import annotations

import asyncio
import io
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from anchorbolt.bolt.web_api import calls as calls_module
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.bolt.web_api.respond import Respond
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from slack_bolt.context.say.async_say import AsyncSay
from slack_bolt.context.set_status.async_set_status import AsyncSetStatus

from tests.support.canned_server import SILENCE, answer, canned_server
from tests.support.waiting import until
from tests.unit.bolt.web_api.clients import Unknown, a_client

OK = answer(b'{"ok": true}')
NEW_CERTIFICATE = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1")
MANY = "x" * 12_000_000  # more than the buffers of two sockets hold


@dataclass
class Silent:
    """A server that takes connections and reads nothing until it is told to; what it reads then, and how that ends."""

    url: str = ""
    connections: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[int] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        count, ending = 0, "closed"
        await self.go.wait()
        try:
            while got := await reader.read(1 << 20):
                count += len(got)
        except (ConnectionError, ssl.SSLError):
            ending = "reset"
        self.received.append(count)
        self.endings.append(ending)
        writer.transport.abort()


@asynccontextmanager
async def silent(tls: ssl.SSLContext | None) -> AsyncIterator[Silent]:
    """It listens on a free port of loopback."""
    one = Silent()
    # limit: it stops to read from the socket soon, so that most of a large request stays with the client.
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls, limit=65536)
    one.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
    try:
        yield one
    finally:
        one.go.set()
        server.close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server on loopback, and for a client that trusts it."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    more = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made)
    subprocess.run([*NEW_CERTIFICATE, *more], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made, key)
    return tls, ssl.create_default_context(cafile=str(made))


def of_a_run(client: WatchedClient) -> tuple[WatchedClient, Calls]:
    """The client of one run."""
    calls = Calls()
    return web_client.for_request(client, None, calls), calls


async def post(client: WatchedClient) -> object:
    """A plain call."""
    return await client.chat_postMessage(channel="C1", text=MANY)


async def upload(client: WatchedClient) -> object:
    """The request in the middle of files_upload_v2."""
    more: dict[str, Any] = {"logger": None, "timeout": 9, "proxy": None, "ssl": client.ssl}
    return await client._upload_file(url=client.base_url, data=MANY.encode(), **more)


async def form(client: WatchedClient) -> object:
    """A call that slack_sdk makes on its own path."""
    return await client.api_call("files.upload", files={"file": io.BytesIO(MANY.encode())}, data={"a": "b"})


async def respond(client: WatchedClient) -> object:
    """respond()."""
    return await Respond(client, client.base_url)(text=MANY)


async def in_a_task_of_its_own(client: WatchedClient) -> object:
    """A call in a task that the listener has started."""
    return await asyncio.shield(asyncio.create_task(post(client)))


KINDS: dict[str, Callable[[WatchedClient], Awaitable[object]]] = {
    "a plain call": post,
    "an upload": upload,
    "a form": form,
    "respond()": respond,
    "a task of its own": in_a_task_of_its_own,
}


@pytest.mark.parametrize("tls", ["plain", "TLS"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_lost_lease_resets_the_connection(kind: str, tls: str, tmp_path: Path) -> None:
    """Nothing of a call's buffers arrives once its run lost its lease, and no retry handler sends it again."""
    context = trust = None
    if tls == "TLS":
        context, trust = certificate(tmp_path)
    async with silent(context) as server, a_client(server.url) as shared:
        client, calls = of_a_run(shared)
        client.ssl = trust
        client.retry_handlers.append(Unknown(max_retry_count=3))
        calling = asyncio.ensure_future(KINDS[kind](client))
        await until(lambda: (server.connections and calls.connections) or calling.done(), what="the call is under way")
        assert not calling.done()
        await asyncio.sleep(0.2)  # as much of it as they hold is in the buffers by now; nothing depends on how much
        calls.reset()
        calling.cancel()
        await asyncio.wait({calling})
        server.go.set()
        await until(lambda: server.endings, what="the server has read what there is")
        assert server.endings == ["reset"]
        assert server.received[0] < len(MANY)
        await asyncio.sleep(0.1)  # were it sent again, that would be now
        assert server.connections == 1


async def test_nothing_is_sent_again_after_a_reset() -> None:
    """A call whose connection was reset is not sent again by slack_sdk's handlers, also where nothing cancels it."""
    async with canned_server([SILENCE, OK]) as server, a_client(server.url) as shared:
        client, calls = of_a_run(shared)
        calling = asyncio.create_task(client.chat_postMessage(channel="C1", text="hi"))
        await until(lambda: server.requests, what="the first try was received")
        calls.reset()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert len(server.requests) == 1


LATER: dict[str, Callable[[WatchedClient], Awaitable[Any]]] = {
    "client": lambda client: client.chat_postMessage(channel="C1", text="hi"),
    "form": lambda client: client.api_call("x.y", data={"a": "b"}),
    "GET": lambda client: client.users_info(user="U1"),
    "say": lambda client: AsyncSay(client=client, channel="C1")("hi"),
    "set_status": lambda client: AsyncSetStatus(client, "C1", "1.2")("hi"),
    "respond": lambda client: Respond(client, client.base_url)("hi"),
    "upload": lambda client: client.files_upload_v2(channel="C1", content="hi", filename="a"),
}


@pytest.mark.parametrize("how", ["reset", "closed"])
@pytest.mark.parametrize("kind", LATER)
async def test_later_calls_raise(kind: str, how: str) -> None:
    """Once a run is over, every call through what it was given raises, and nothing is sent."""
    async with canned_server([OK] * 3) as server, a_client(server.url) as shared:
        client, calls = of_a_run(shared)
        calls.reset() if how == "reset" else calls.close(lambda: None)
        with pytest.raises(asyncio.CancelledError, match="its run was cut short"):
            await LATER[kind](client)
        assert (server.requests, calls.refused, calls.under_way) == ([], True, 0)


async def test_other_runs_go_on() -> None:
    """The end of one run ends no call of another, nor of the process."""
    async with canned_server([OK] * 3) as server, a_client(server.url) as shared:
        _, calls = of_a_run(shared)
        other, _ = of_a_run(shared)
        calls.reset()
        await other.chat_postMessage(channel="C1", text="hi")
        await shared.chat_postMessage(channel="C1", text="hi")
        assert len(server.requests) == 2


async def test_the_call_under_way_may_end() -> None:
    """A run that is stopped while its lease holds is cancelled only when the call under way has its answer."""
    cancelled: list[bool] = []
    async with canned_server([SILENCE, OK]) as server, a_client(server.url) as shared:
        client, calls = of_a_run(shared)
        calling = asyncio.create_task(client.chat_postMessage(channel="C1", text="hi"))
        await until(lambda: server.requests, what="the call is under way")
        calls.close(lambda: cancelled.append(calling.done()))
        assert cancelled == []
        assert server.last_writer is not None
        server.last_writer.write(OK)
        assert (await calling)["ok"]
        await until(lambda: cancelled, what="the run is cancelled")
        assert cancelled == [True]


async def test_it_may_not_take_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """After GRACE_SECONDS the run is cancelled all the same."""
    monkeypatch.setattr(calls_module, "GRACE_SECONDS", 0.05)
    cancelled: list[bool] = []
    async with canned_server([SILENCE]) as server, a_client(server.url) as shared:
        client, calls = of_a_run(shared)
        calling = asyncio.create_task(client.chat_postMessage(channel="C1", text="hi"))
        await until(lambda: server.requests, what="the call is under way")
        calls.close(lambda: cancelled.append(calling.done()))
        await until(lambda: cancelled, what="the run is cancelled")
        assert cancelled == [False]
        calls.reset()
        calling.cancel()
        with pytest.raises((asyncio.CancelledError, aiohttp.ClientError)):
            await calling


async def test_respond_is_bolts() -> None:
    """Arguments by position and by name, and a whole message, reach the response_url as with Bolt's own."""
    async with canned_server([answer(b"ok", kind=b"text/plain")] * 3) as server, a_client(server.url) as shared:
        client, _ = of_a_run(shared)
        say = Respond(client, server.url)
        await say("hi", None, None, "ephemeral", replace_original=False)
        assert (await say({"text": "hi", "response_type": "ephemeral", "replace_original": False})).body == "ok"
        first, second = (body.partition(b"\r\n\r\n")[2] for _, body in server.requests)
        assert first == second
        with pytest.raises(ValueError, match="unexpected type"):
            await say(7)  # type: ignore[arg-type]
