"""Requests that nobody knows to be Slack's: bounded in number and bytes, and never in the way of signed ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import JSON, Sample
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery
from anchorbolt.errors import RefusedError
from anchorbolt.http.limits.unverified import UnverifiedBodies
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from tests.support.app_in_process import URL, app_in_process
from tests.support.waiting import until


class Slow:
    """A body that arrives when the test says so."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()

    def send(self, part: bytes, *, more: bool = True) -> None:
        """One part of it."""
        self.messages.put_nowait({"type": "http.request", "body": part, "more_body": more})


async def test_signed_requests_pass_slow_unsigned_ones() -> None:
    """A thousand heads without bodies take no slot: with a single one, signed requests are answered meanwhile."""
    headers = request_headers(Sample("", "", JSON, b""), EMULATOR_SECRET, forgery=Forgery.BAD_SIGNATURE)
    async with app_in_process(max_in_flight=1, ack_deadline_seconds=2.9) as app:

        async def never() -> None:
            async def body() -> AsyncIterator[bytes]:
                yield b"{"
                await asyncio.Event().wait()

            await app.http.post(URL, content=body(), headers=headers)

        slow = [asyncio.create_task(never()) for _ in range(1_000)]
        await asyncio.sleep(0)
        for _ in range(3):
            assert (await app.player.send(make("app_mention"))).status == 200
        assert app.intake.in_flight <= 1
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


@pytest.mark.parametrize("forgery", [f for f in Forgery if f is not Forgery.BAD_SIGNATURE])
async def test_a_head_that_gives_itself_away_is_refused_unread(forgery: Forgery) -> None:
    """Missing, stale and malformed headers are 401 before any of the body is asked for."""
    asked = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal asked
        asked = True
        yield b"{}"

    headers = request_headers(Sample("", "", JSON, b"{}"), EMULATOR_SECRET, forgery=forgery)
    async with app_in_process() as app:
        assert (await app.http.post(URL, content=body(), headers=headers)).status_code == 401
        assert not asked


async def test_the_oldest_gives_way() -> None:
    """One body more than may arrive at once: the one that has waited longest is 408, and the new one is read."""
    bodies, by = UnverifiedBodies(100, max_bodies=2), asyncio.get_running_loop().time() + 60
    slow = [Slow() for _ in range(3)]
    reading = []
    for one in slow:
        reading.append(asyncio.create_task(bodies.read(one.messages.get, by)))
        await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="408 slow_body"):
        await reading[0]
    for one in slow[1:]:
        one.send(b"{}", more=False)
    assert [await task for task in reading[1:]] == [b"{}", b"{}"]
    assert (bodies.count, bodies.bytes) == (0, 0)


async def test_what_is_there_as_a_whole_takes_no_room() -> None:
    """A body that has arrived is read at once beside those that still arrive, and is no larger than any other."""
    bodies, by, slow = UnverifiedBodies(3, max_bodies=1), asyncio.get_running_loop().time() + 60, Slow()
    arriving = asyncio.create_task(bodies.read(slow.messages.get, by))
    await asyncio.sleep(0)
    there = Slow()
    there.send(b"abc", more=False)
    assert await bodies.read(there.messages.get, by, is_whole=True) == b"abc"
    there.send(b"abcd", more=False)
    with pytest.raises(RefusedError, match="413 too_large"):
        await bodies.read(there.messages.get, by, is_whole=True)
    assert bodies.count == 1
    slow.send(b"{}", more=False)
    assert await arriving == b"{}"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=60), st.booleans()), max_size=60))
def test_whatever_arrives_is_bounded(parts: list[tuple[int, bytes, bool]]) -> None:
    """However parts of ten bodies arrive, no more than the bounds are held, and in the end nothing is."""

    async def play() -> None:
        bodies, by = UnverifiedBodies(100, max_bodies=4, max_bytes=150), asyncio.get_running_loop().time() + 60
        slow = [Slow() for _ in range(10)]
        reading = [asyncio.create_task(bodies.read(one.messages.get, by)) for one in slow]
        for number, part, more in parts:
            slow[number].send(part, more=more)
            await asyncio.sleep(0)
            assert bodies.count <= 4
            assert bodies.bytes <= 150
        for one in slow:
            one.send(b"", more=False)
        await until(lambda: all(task.done() for task in reading), what="all have ended")
        await asyncio.gather(*reading, return_exceptions=True)
        assert (bodies.count, bodies.bytes) == (0, 0)

    asyncio.run(play())
