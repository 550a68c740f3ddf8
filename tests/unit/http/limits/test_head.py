"""What goes with a request and is no body is limited, whatever part of the request it is in."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from anchorbolt.http.limits.head import MAX_HEAD_BYTES
from anchorbolt.telemetry import metrics

from tests.support.told_server import request, told_server
from tests.support.waiting import until
from tests.support.wire import HEAD

CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "part"),
    [
        (CHUNKED + b"0\r\n", b"a:\r\n" * 256),
        (CHUNKED + b"0\r\nX: ", b"a" * 1024),
        (CHUNKED + b"3;", b"e" * 1024),
        (HEAD + b"X: ", b"a" * 1024),
    ],
    ids=["many trailers", "one endless trailer", "an endless chunk extension", "an endless header"],
)
async def test_what_never_ends_is_refused(begun: bytes, part: bytes) -> None:
    """Trailers, chunk extensions and headers without an end are refused (431), and the connection closes."""
    before = metrics.refused.value("head_too_large")
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(begun)
        with contextlib.suppress(ConnectionError):  # it is closed while we still send
            await wire.send_each([part] * (4 * MAX_HEAD_BYTES // len(part)))
        await until(lambda: metrics.refused.value("head_too_large") == before + 1, what="it is refused")
        await told.until_at_rest()


async def test_many_small_chunks_are_no_head() -> None:
    """A body in thousands of chunks of one byte is read: only what is no body counts, and only in a row."""
    async with told_server() as told:
        wire = await told.connect()
        told.application.tell("x" * 20_000)
        await wire.send(CHUNKED)
        for _ in range(20):
            await wire.send(b"1\r\nx\r\n" * 1_000)
        await wire.send(b"0\r\n\r\n")
        status, found = await wire.answer()
        assert (status, found["for"]) == (200, "x" * 20_000)


async def test_a_refused_head_leaves_the_request_before_it_its_answer() -> None:
    """1. A request is in flight; 2. behind it comes an endless head; 3. the request has its own answer, the last."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(request(b"first"))
        await told.until_begun("first")
        sending = asyncio.create_task(wire.send_each([HEAD + b"X: ", *[b"a" * 1024] * 80]))
        (connection,) = told.server.server_state.connections
        await until(lambda: not connection.cycle.keep_alive, what="the head is refused")  # type: ignore[union-attr]
        told.application.tell("first")
        status, fields, body = await wire.whole_answer()
        assert (status, fields[b"connection"]) == (200, b"close")
        assert b'"for": "first"' in body
        sending.cancel()


@pytest.mark.parametrize("first", [b"POST /x HTTP/1.1", b"CONNECT x:1 HTTP/1.1"])
async def test_nothing_is_read_behind_an_upgrade(first: bytes) -> None:
    """A request that asks for another protocol is answered without its body, and its body is no next request."""
    async with told_server() as told:
        wire = await told.connect()
        inner = request(b"now")
        head = b"host: app\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n\r\n" % len(inner)
        told.application.tell("")
        await wire.send(first + b"\r\n" + head)
        await wire.send(inner)
        answers = await wire.all_there_is()
        assert answers.count(b"HTTP/1.1 ") == 1
        assert told.application.begun in ([], [""])  # uvicorn refuses a CONNECT itself
