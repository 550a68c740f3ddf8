"""What goes with a request and is no body is limited, whatever part of the request it is in."""

from __future__ import annotations

import contextlib

import pytest
from anchorbolt.http.limits.head import MAX_HEAD_BYTES, MAX_HEADERS
from anchorbolt.telemetry import metrics
from structlog.testing import capture_logs

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


async def test_the_limit_holds_in_one_read() -> None:
    """A head above 64 KiB that arrives at once is refused; one below it, with a large body behind it, is not."""
    async with told_server() as told:
        told.application.tell("x" * 200_000)
        wire = await told.connect()
        await wire.send(HEAD + b"x-long: " + b"a" * 60_000 + b"\r\ncontent-length: 200000\r\n\r\n" + b"x" * 200_000)
        assert (await wire.answer())[0] == 200
        connection = told.connection
        whole = HEAD + b"x-long: " + b"a" * 70_000 + b"\r\ncontent-length: 3\r\n\r\nnow"
        connection.data_received(whole)  # a socket may cut it
        assert await wire.answer() == (431, {"error": "head_too_large"})
        assert await wire.is_closed()
        assert told.application.begun == ["x" * 200_000]


async def test_too_many_headers() -> None:
    """Headers cost far more memory than their bytes: more than a proxy passes on are refused."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(request(b"now", *[b"a:"] * (MAX_HEADERS - 4)))
        assert (await wire.answer())[0] == 200
        await wire.send(request(b"now", *[b"a:"] * MAX_HEADERS))
        assert await wire.answer() == (431, {"error": "head_too_large"})
        assert await wire.is_closed()


async def test_white_space_around_a_value_is_none_of_it() -> None:
    """`Content-Length: 3 ` means 3, and the application sees every value without the white space behind it."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(HEAD + b"X-Padded:  a b \t \r\nContent-Length: 3 \r\n\r\nnow")
        assert (await wire.answer())[0] == 200
        connection = told.connection
        assert {(b"x-padded", b"a b"), (b"content-length", b"3")} <= set(connection.cycle.scope["headers"])


async def test_trailers_are_no_headers() -> None:
    """What comes behind a body in chunks is ignored: it overrides no header with its name, and asks for nothing."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(HEAD + b"x-slack-signature: head\r\ntransfer-encoding: chunked\r\n\r\n3\r\nnow\r\n")
        await wire.send(b"0\r\nx-slack-signature: trailer\r\nx-new: 1\r\nupgrade: h2c\r\n\r\n")
        assert (await wire.answer())[0] == 200
        connection = told.connection
        headers = connection.cycle.scope["headers"]
        assert [value for name, value in headers if name == b"x-slack-signature"] == [b"head"]
        assert not [value for name, value in headers if name == b"x-new"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HEAD + b"content-length: -1\r\n\r\n",
    ],
    ids=["TLS", "HTTP/2", "a bad length"],
)
async def test_what_is_no_http_is_counted_and_not_logged(garbage: bytes) -> None:
    """It is answered with 400 and a word, counted, and writes no line of its own."""
    before = metrics.refused.value("bad_http")
    async with told_server() as told:
        wire = await told.connect()
        with capture_logs() as lines:
            await wire.send(garbage)
            assert await wire.answer() == (400, {"error": "bad_http"})
            assert await wire.is_closed()
        assert lines == []
        assert metrics.refused.value("bad_http") == before + 1


ASKS = [
    b"POST /x HTTP/1.1\r\nhost: app\r\nconnection: upgrade\r\nupgrade: h2c\r\n",
    b"GET /x HTTP/1.1\r\nhost: app\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n",
    b"POST /x HTTP/1.1\r\nhost: app\r\nUPGRADE: anything\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nhost: app\r\n",
]


@pytest.mark.parametrize("head", ASKS)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_upgrade_is_refused(head: bytes, at_once: bool) -> None:
    """It is 400 and the connection is closed, no application sees it, and its body is no next request."""
    async with told_server() as told:
        wire = await told.connect()
        inner = request(b"now")
        parts = [head + b"content-length: %d\r\n\r\n" % len(inner), inner]
        for part in [b"".join(parts)] if at_once else parts:
            await wire.send(part)
        assert await wire.answer() == (400, {"error": "upgrade_refused"})
        assert await wire.is_closed()
        await told.until_at_rest()
        assert told.application.begun == []
