"""The acceptor: whoever knocks is let in, however many they are and however busy the house is."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator

import pytest
from anchorbolt.http.limits.acceptor import MAX_BATCH, PAUSE_SECONDS, Acceptor
from structlog.testing import capture_logs


class Guest(asyncio.Protocol):
    """A protocol that counts its connections."""

    count = 0
    came = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's own hook."""
        Guest.count += 1
        Guest.came.set()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket on loopback; nobody has taken a connection from it yet."""
    Guest.count, Guest.came = 0, asyncio.Event()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(2048)
        yield sock


async def turns_until(count: int, most: int = 2_000) -> int:
    """How often the loop turned until so many guests were in."""
    turns = 0
    while Guest.count < count and turns < most:
        turns += 1
        await asyncio.sleep(0)
    return turns


async def test_all_that_wait_are_taken_in_a_few_turns(listening: socket.socket) -> None:
    """Sixty connections that wait need a few turns of the loop, not one turn each: under load a turn is long."""
    clients = [socket.create_connection(listening.getsockname()) for _ in range(60)]
    acceptor = Acceptor(listening, Guest, 2048)
    acceptor.start()
    turns = await turns_until(60)
    assert Guest.count == 60
    assert turns < 15
    acceptor.close()
    await acceptor.wait_closed()
    for client in clients:
        client.close()


async def test_those_beyond_a_turn_come_in_the_next(listening: socket.socket) -> None:
    """More than one turn takes are taken all the same: nobody is forgotten in the queue."""
    clients = [socket.create_connection(listening.getsockname()) for _ in range(MAX_BATCH + 20)]
    acceptor = Acceptor(listening, Guest, 2048)
    acceptor.start()
    await turns_until(MAX_BATCH + 20)
    assert Guest.count == MAX_BATCH + 20
    acceptor.close()
    for client in clients:
        client.close()


async def test_nobody_is_taken_after_its_close(listening: socket.socket) -> None:
    """Once closed, a connection that arrives stays in the kernel's queue, where a drain leaves it."""
    acceptor = Acceptor(listening, Guest, 2048)
    acceptor.start()
    acceptor.close()
    with socket.create_connection(listening.getsockname()):
        assert await turns_until(1, most=50) == 50
    assert Guest.count == 0


async def test_it_goes_on_when_descriptors_are_free_again(listening: socket.socket) -> None:
    """Out of file descriptors, it says so once, pauses instead of spinning, and takes who waits when there are some."""

    class Exhausted:
        """The socket, of which the first accepts fail."""

        def __init__(self) -> None:
            self.failed = 0

        def __getattr__(self, name: str) -> object:
            return getattr(listening, name)

        def accept(self) -> object:
            """Fails for want of a descriptor."""
            if self.failed < 3:
                self.failed += 1
                raise OSError(errno.EMFILE, "Too many open files")
            return listening.accept()

    exhausted = Exhausted()
    acceptor = Acceptor(exhausted, Guest, 2048)  # type: ignore[arg-type] # a socket in all that is asked of it
    acceptor.start()
    with capture_logs() as lines, socket.create_connection(listening.getsockname()):
        async with asyncio.timeout(PAUSE_SECONDS * 50):
            await Guest.came.wait()
    assert exhausted.failed == 3
    assert [line["event"] for line in lines] == ["no connection can be taken"]
    acceptor.close()
