"""The way below ASGI, on real connections: order, the end of a client, the end of the server."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import weakref
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from anchorbolt.http.express import Express
from structlog.testing import capture_logs

from tests.support.told_receiver import ToldServer, request, told_server
from tests.support.waiting import until
from tests.support.wire import HEAD, Wire


@pytest.fixture
async def told() -> AsyncIterator[ToldServer]:
    """A server whose receiver answers when it is told."""
    async with told_server() as running:
        yield running


async def answered(wire: Wire) -> object:
    """Which request the next answer is for."""
    status, found = await wire.answer()
    assert status == 200
    return found["for"]


def connection(told: ToldServer) -> Express:
    """The only one."""
    (found,) = told.server.server_state.connections
    assert isinstance(found, Express)
    return found


async def test_one_request_after_the_other(told: ToldServer) -> None:
    """A connection is good for any number of requests, on whichever way each goes."""
    wire = await told.connect()
    in_chunks = HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nnow\r\n0\r\n\r\n"
    for one in (request(b"now"), in_chunks, request(b"now"), request(b"now")):
        await wire.send(one)
        assert await answered(wire) == "now"
    assert told.receiver.ways == ["express", "asgi", "express", "express"]


async def test_what_is_not_one_whole_request(told: ToldServer) -> None:
    """A part of a request, several at once, one that waits to be told to go on: uvicorn's way, as before."""
    wire = await told.connect()
    await wire.send(request(b"now") + request(b"now"))
    assert [await answered(wire) for _ in range(2)] == ["now"] * 2
    whole = request(b"now", b"expect: 100-continue")
    await wire.send(whole)
    assert (await wire.read(25)).startswith(b"HTTP/1.1 100 Continue")
    assert await answered(wire) == "now"
    await wire.send(request(b"now").replace(b"/events", b"/events?x=1"))
    assert await answered(wire) == "now"
    assert told.receiver.ways == ["asgi"] * 4


@pytest.mark.parametrize("cut", [0, 1, 60, 200], ids=["whole", "a byte", "in its head", "whole, and more"])
async def test_the_next_request_comes_early(told: ToldServer, cut: int) -> None:
    """What comes while a request is being answered waits for its turn, in whatever pieces, and is answered in order."""
    wire = await told.connect()
    await wire.send(request(b"first"))
    await told.until_begun("first")
    # 1. The second, or its beginning, and perhaps the third: nobody looks at it.
    both = request(b"second") + request(b"third")
    await wire.send(both[: cut or len(request(b"second"))])
    await until(lambda: connection(told)._ahead, what="it has come")
    assert told.receiver.begun == ["first"]
    # 2. The first is answered; then it is the turn of the others.
    told.receiver.tell("third")
    told.receiver.tell("first")
    assert await answered(wire) == "first"
    await wire.send(both[cut or len(request(b"second")) :])
    await told.until_begun("second")
    assert told.receiver.begun == ["first", "second"]
    told.receiver.tell("second")
    assert [await answered(wire) for _ in range(2)] == ["second", "third"]
    assert told.receiver.ended == ["first", "second", "third"]


@pytest.mark.parametrize("seed", range(5))
async def test_requests_in_whatever_pieces(told: ToldServer, seed: int) -> None:
    """However a stream of requests is cut, each is answered once, in order, on the one way or the other."""
    chance = random.Random(seed)
    names = [str(number) for number in range(100)]
    for name in names:
        told.receiver.tell(name)
    stream = b"".join(request(name.encode()) for name in names)
    one = len(request(b"99"))
    cuts = sorted(chance.sample(range(len(stream)), 40)) if seed else range(0, len(stream), one)
    pieces = [stream[begin:end] for begin, end in pairwise([0, *cuts, len(stream)])]
    wire = await told.connect()
    sending = asyncio.create_task(wire.send_each(pieces))
    assert [await answered(wire) for _ in names] == names
    await sending
    assert told.receiver.ended == names


async def test_the_client_goes_away(told: ToldServer, caplog: pytest.LogCaptureFixture) -> None:
    """Its request is worked on to its end, nothing is written, nothing is complained of, and nothing is left."""
    wire = await told.connect()
    await wire.send(request(b"first"))
    await told.until_begun("first")
    gone = weakref.ref(connection(told))
    await wire.send(request(b"second")[:30])
    wire.hang_up()
    state = told.server.server_state
    with capture_logs() as lines, caplog.at_level(logging.WARNING):
        await until(lambda: not state.connections or connection(told)._ahead, what="it is noticed")
        told.receiver.tell("first")
        await told.until_at_rest()
    assert told.receiver.ended == ["first"]
    assert (lines, caplog.records) == ([], [])
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("field", [b"Connection: close", b"connection: foo, Close"])
async def test_a_client_that_asks_for_the_end(told: ToldServer, field: bytes) -> None:
    """Its connection is closed after its answer, which says so; what it sent behind is not looked at. But it is read:
    a connection closed over unread bytes is reset, and the answer may be lost with it."""
    wire = await told.connect()
    await wire.send(request(b"first", field))
    await told.until_begun("first")
    behind = request(b"now")
    await wire.send(behind[:50])
    await until(lambda: connection(told)._ahead, what="the first of it has come")
    await wire.send(behind[50:])
    await until(lambda: len(connection(told)._ahead) == len(behind), what="all of it has come")
    told.receiver.tell("first")
    _, fields, _ = await wire.whole_answer()
    assert fields[b"connection"] == b"close"
    assert await wire.is_closed()
    assert (told.receiver.ways, told.receiver.begun) == (["express"], ["first"])


async def test_a_client_that_does_not_wait_for_answers(told: ToldServer) -> None:
    """What comes before its turn is kept up to a bound, beyond which nothing more is read; all of it has its turn."""
    wire = await told.connect()
    await wire.send(request(b"first"))
    await told.until_begun("first")
    many = 2_000
    wire.send_without_waiting(request(b"now") * many)
    await until(lambda: connection(told).flow.read_paused, what="nothing more is read")
    assert len(connection(told)._ahead) < 1_000_000
    told.receiver.tell("first")
    assert await answered(wire) == "first"
    assert [await answered(wire) for _ in range(many)] == ["now"] * many


async def test_an_answer_that_is_the_last(told: ToldServer) -> None:
    """Where the receiver says so, the connection ends with its answer; else no answer speaks of it."""
    wire = await told.connect()
    await wire.send(request(b"now"))
    _, fields, _ = await wire.whole_answer()
    assert set(fields) == {b"date", b"content-length"}
    told.receiver.closes = True
    await wire.send(request(b"now"))
    _, fields, _ = await wire.whole_answer()
    assert fields[b"connection"] == b"close"
    assert await wire.is_closed()


async def test_the_end_of_the_server() -> None:
    """1. An idle connection closes at once; 2. a request in flight is answered, told that it was the last, and its
    connection closes; 3. then the server has ended.
    """
    async with told_server() as told:
        idle, busy = await told.connect(), await told.connect()
        await idle.send(request(b"now"))
        assert await answered(idle) == "now"
        await busy.send(request(b"first"))
        await told.until_begun("first")
        stopping = asyncio.create_task(told.stop())
        assert await idle.is_closed()
        assert not stopping.done()
        told.receiver.tell("first")
        _, fields, _ = await busy.whole_answer()
        assert fields[b"connection"] == b"close"
        assert await busy.is_closed()
        await stopping
        assert told.receiver.ways == ["express"] * 2


async def test_what_outlives_the_end_of_the_server() -> None:
    """A request that is not answered within its time is cut short: 500, and its connection closes."""
    async with told_server(finish_seconds=1) as told:
        wire = await told.connect()
        await wire.send(request(b"never"))
        await told.until_begun("never")
        with capture_logs() as lines:
            await told.stop()
            assert (await wire.all_there_is()).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert [line["event"] for line in lines] == ["a request was cut short"]
        assert told.receiver.ways == ["express"]


async def test_a_receiver_that_raises(told: ToldServer) -> None:
    """Its client gets a 500 and the end of the connection, the log the error; others are served."""
    wire = await told.connect()
    with capture_logs() as lines:
        await wire.send(request(b"raise"))
        assert (await wire.all_there_is()).endswith(b"\r\n\r\nInternal Server Error")
    assert [line["event"] for line in lines] == ["a request was cut short"]
    wire = await told.connect()
    await wire.send(request(b"now"))
    assert await answered(wire) == "now"


async def test_a_client_that_reads_no_answers(told: ToldServer) -> None:
    """It is not written to for ever; once it reads, it gets each answer whole and in order."""
    told.receiver.answer_bytes = 300_000
    wire = await told.connect()
    for number in range(200):
        told.receiver.tell(str(number))
    sending = asyncio.create_task(wire.send_each(request(str(number).encode()) for number in range(200)))
    await until(lambda: connection(told).flow.write_paused, what="the server writes no more")
    assert len(told.receiver.begun) < 200
    assert [await answered(wire) for _ in range(200)] == [str(number) for number in range(200)]
    await sending
