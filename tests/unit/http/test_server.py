"""uvicorn as we run it, on real connections: order, the end of a client, the end of the server."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from anchorbolt.http.limits.idle import HttpConnection
from structlog.testing import capture_logs

from tests.support.told_server import ToldServer, request, told_server
from tests.support.waiting import until
from tests.support.wire import HEAD, Wire


@pytest.fixture
async def told() -> AsyncIterator[ToldServer]:
    """A server whose application answers when it is told."""
    async with told_server() as running:
        yield running


async def answered(wire: Wire) -> object:
    """Which request the next answer is for."""
    status, found = await wire.answer()
    assert status == 200
    return found["for"]


async def test_one_request_after_the_other(told: ToldServer) -> None:
    """A connection is good for any number of requests, also in chunks and after `Expect: 100-continue`."""
    wire = await told.connect()
    in_chunks = HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nnow\r\n0\r\n\r\n"
    for one in (request(b"now"), in_chunks, request(b"now")):
        await wire.send(one)
        assert await answered(wire) == "now"
    await wire.send(request(b"now", b"expect: 100-continue"))
    assert (await wire.read(25)).startswith(b"HTTP/1.1 100 Continue")
    assert await answered(wire) == "now"


@pytest.mark.parametrize("seed", range(5))
async def test_requests_in_whatever_pieces(told: ToldServer, seed: int) -> None:
    """However a stream of requests is cut into pieces, each is answered once, in order."""
    chance = random.Random(seed)
    names = [str(number) for number in range(100)]
    for name in names:
        told.application.tell(name)
    stream = b"".join(request(name.encode()) for name in names)
    one = len(request(b"99"))
    cuts = sorted(chance.sample(range(len(stream)), 40)) if seed else range(0, len(stream), one)
    pieces = [stream[begin:end] for begin, end in pairwise([0, *cuts, len(stream)])]
    wire = await told.connect()
    sending = asyncio.create_task(wire.send_each(pieces))
    assert [await answered(wire) for _ in names] == names
    await sending
    assert told.application.ended == names


async def test_the_client_goes_away(told: ToldServer) -> None:
    """Its request is worked on to its end, nothing is complained of, and nothing is left."""
    wire = await told.connect()
    await wire.send(request(b"first"))
    await told.until_begun("first")
    wire.hang_up()
    with capture_logs() as lines:
        told.application.tell("first")
        await told.until_at_rest()
    assert told.application.ended == ["first"]
    assert lines == []


async def test_the_end_of_the_server() -> None:
    """1. An idle connection closes in a moment; 2. a request in flight is answered, told that it was the last, and its
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
        told.application.tell("first")
        _, fields, _ = await busy.whole_answer()
        assert fields[b"connection"] == b"close"
        assert await busy.is_closed()
        await stopping


async def test_a_request_that_crosses_the_end_of_the_server_is_answered() -> None:
    """A proxy repeats no POST that it sent on a kept or new connection, so the end resets none: each gets its answer.

    1. One connection is kept from an earlier request, one is new and idle, one waits to be accepted.
    2. The server is told to end. 3. Each brings a request, is answered and told that it was the last, and closes.
    """
    async with told_server() as told:
        kept, new = await told.connect(), await told.connect()
        await kept.send(request(b"now"))
        assert await answered(kept) == "now"
        with socket.create_connection(("127.0.0.1", told.port)) as waits:  # the event loop has not accepted it yet
            waits.sendall(request(b"now"))
            stopping = asyncio.create_task(told.stop())
            waiting = Wire(*await asyncio.open_connection(sock=waits.dup()))
            await until(lambda: told.server.should_exit, what="the server ends")
            for wire in (kept, new):
                await wire.send(request(b"now"))
            for wire in (kept, new, waiting):
                _, fields, _ = await wire.whole_answer()
                assert fields[b"connection"] == b"close"
                assert await wire.is_closed()
        await stopping


async def test_during_a_drain_each_response_ends_its_connection(told: ToldServer) -> None:
    """A proxy keeps no connection to a pod that drains; it may keep them again after the drain has lapsed."""
    told.server.close_after_each_response(True)
    wire = await told.connect()
    await wire.send(request(b"now"))
    _, fields, _ = await wire.whole_answer()
    assert fields[b"connection"] == b"close"
    assert await wire.is_closed()
    told.server.close_after_each_response(False)
    wire = await told.connect()
    for _ in range(2):
        await wire.send(request(b"now"))
        assert await answered(wire) == "now"


async def test_what_outlives_the_end_of_the_server() -> None:
    """A request that is not answered within its time is cut short: 500, and its connection closes."""
    async with told_server(finish_seconds=1) as told:
        wire = await told.connect()
        await wire.send(request(b"never"))
        await told.until_begun("never")
        await told.stop()
        assert (await wire.all_there_is()).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")


async def test_a_client_that_reads_no_answers(told: ToldServer) -> None:
    """It is not written to for ever; once it reads, it gets each answer whole and in order."""
    told.application.extra_bytes = 300_000
    wire = await told.connect()
    for number in range(200):
        told.application.tell(str(number))
    sending = asyncio.create_task(wire.send_each(request(str(number).encode()) for number in range(200)))
    (connection,) = told.server.server_state.connections
    assert isinstance(connection, HttpConnection)
    await until(lambda: connection.flow.write_paused, what="the server writes no more")
    assert len(told.application.begun) < 200
    assert [await answered(wire) for _ in range(200)] == [str(number) for number in range(200)]
    await sending
