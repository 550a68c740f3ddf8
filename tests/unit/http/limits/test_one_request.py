"""A connection works on one request at a time: what is sent behind it waits, in little memory."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from anchorbolt.http.limits.one_request import MAX_AHEAD_BYTES
from anchorbolt.telemetry import metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.told_server import request, told_server
from tests.support.waiting import until
from tests.support.wire import HEAD

CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nnow\r\n0\r\n\r\n"


async def test_one_request_in_flight() -> None:
    """Of thousands of requests that arrive at once, one is a request, and the others are bytes that wait."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(request(b"first"))
        await told.until_begun("first")
        connection = told.connection
        first = connection.cycle
        wire.send_without_waiting(request(b"now") * 40_000)  # 4 MB
        await until(lambda: connection.flow.read_paused, what="the socket is not read")
        assert connection.cycle is first
        assert not connection.pipeline
        assert len(connection._ahead) <= MAX_AHEAD_BYTES
        told.application.tell("first")
        for name in ("first", "now", "now"):
            assert (await wire.answer())[1]["for"] == name
        wire.hang_up()


async def test_a_head_behind_a_request_is_under_the_limit() -> None:
    """A head that began behind a whole request is refused when it takes too long, and no request runs inside it."""
    before = metrics.refused.value("slow_head")
    async with told_server(head_seconds=0.2) as told:
        wire = await told.connect()
        await wire.send(request(b"now") + HEAD + b"x: ")
        assert (await wire.answer())[1]["for"] == "now"
        assert await wire.answer() == (408, {"error": "slow_head"})
        assert await wire.is_closed()
        assert metrics.refused.value("slow_head") == before + 1
        assert told.application.begun == ["now"]


async def test_a_head_that_goes_on_is_one_head() -> None:
    """What is sent inside of a head that began behind a request is a part of that head."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(request(b"now") + b"POST /x HTTP/1.1\r\nx: ")
        assert (await wire.answer())[1]["for"] == "now"
        await wire.send(b"GET /inner HTTP/1.1\r\ncontent-length: 3\r\n\r\nnow")
        assert (await wire.answer())[1]["for"] == "now"
        connection = told.connection
        assert connection.cycle.scope["path"] == "/x"
        assert told.application.begun == ["now", "now"]


async def test_a_half_closed_connection_gets_its_answer() -> None:
    """A client that ends its half of the connection behind its request is answered, and then it is closed."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(request(b"first"))
        wire.end()
        await told.until_begun("first")
        told.application.tell("first")
        assert (await wire.answer())[1]["for"] == "first"
        assert await wire.is_closed()
        await told.until_at_rest()


async def test_behind_a_body_in_chunks_the_connection_closes() -> None:
    """Where the last chunk ends is not looked for: the request is answered, told that it was the last, and closed."""
    async with told_server() as told:
        wire = await told.connect()
        await wire.send(CHUNKED + request(b"now"))
        status, fields, _ = await wire.whole_answer()
        assert (status, fields[b"connection"]) == (200, b"close")
        assert await wire.is_closed()
        assert told.application.begun == ["now"]


@settings(max_examples=60, deadline=None)
@given(
    bodies=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8),
    blanks=st.lists(st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]), min_size=8, max_size=8),
    cuts=st.lists(st.floats(0, 1), max_size=12),
)
def test_however_a_stream_is_cut(bodies: list[bytes], blanks: list[bytes], cuts: list[float]) -> None:
    """Each request of a stream is seen once, in order, with its own body, however the stream is cut into reads."""
    names = [body.hex() for body in bodies]
    stream = b"".join(blank + request(name.encode()) for blank, name in zip(blanks, names, strict=False))
    ends = sorted({0, len(stream), *(int(cut * len(stream)) for cut in cuts)})

    async def play() -> list[str]:
        async with told_server() as told:
            for name in names:
                told.application.tell(name)
            wire = await told.connect()
            await wire.send(b"")
            await until(lambda: told.server.server_state.connections, what="it is connected")
            connection = told.connection
            for begin, end in pairwise(ends):
                connection.data_received(stream[begin:end])
                await asyncio.sleep(0)
            answers = [str((await wire.answer())[1]["for"]) for _ in names]
            wire.hang_up()
            assert told.application.begun == names
            return answers

    assert asyncio.run(play()) == names
