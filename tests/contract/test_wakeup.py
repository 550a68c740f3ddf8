"""Processes tell each other over PostgreSQL that something waits: soon, until they end, and again after a break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from anchorbolt.inbox.database import Wake
from anchorbolt.inbox.postgresql import read, wakeup
from anchorbolt.inbox.postgresql.address import Address
from anchorbolt.inbox.postgresql.wakeup import Wakeup

from tests.support.leaping_loop import LeapingLoop
from tests.support.postgresql import PostgreSQL
from tests.support.relay import Relay
from tests.support.waiting import WITHIN_SECONDS, until

LISTENS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


class Process:
    """One that listens, and what it has heard since it was last looked at."""

    def __init__(self, url: str) -> None:
        self.heard: set[Wake] = set()
        self.wakeup = Wakeup(read(url), self.heard.add)
        self.wakeup.start()

    async def until_listens(self) -> None:
        """Whoever begins to listen is woken for all that may have been missed."""
        await until(lambda: self.heard == set(Wake), what="it listens")
        self.heard.clear()


@pytest.fixture
def url(shared_postgres: PostgreSQL) -> str:
    """An empty database."""
    return shared_postgres.new_database()


@pytest.fixture
async def start(url: str) -> AsyncIterator[Callable[[], Process]]:
    """Starts processes that listen there."""
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(url))
        return started[-1]

    yield start
    for process in started:
        await process.wakeup.stop()


@pytest.mark.parametrize("wake", list(Wake))
async def test_others_hear_what_is_told(start: Callable[[], Process], wake: Wake) -> None:
    """Each hint arrives as what it is, also at who sent it, and nothing else does."""
    one, other = start(), start()
    await one.until_listens()
    await other.until_listens()
    one.wakeup.wake_others(wake)
    await until(lambda: one.heard and other.heard, what="both have heard")
    assert (one.heard, other.heard) == ({wake}, {wake})


async def test_several_hints_at_once(start: Callable[[], Process]) -> None:
    """All that is asked for in one moment is told."""
    one, other = start(), start()
    await other.until_listens()
    for wake in Wake:
        one.wakeup.wake_others(wake)
    await until(lambda: other.heard == set(Wake), what="all are heard")


async def test_the_last_word(start: Callable[[], Process], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends sends what it was asked for, and ends as soon as that is sent, not when its time is over."""
    monkeypatch.setattr(wakeup, "LAST_WORD_SECONDS", 10 * WITHIN_SECONDS)
    one, other = start(), start()
    await one.until_listens()
    await other.until_listens()
    one.wakeup.wake_others(Wake.LANES)
    await asyncio.wait_for(one.wakeup.stop(), WITHIN_SECONDS)
    await until(lambda: other.heard == {Wake.LANES}, what="it is heard")


async def test_a_last_word_that_nobody_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database is away, a process ends all the same once that time is over."""
    monkeypatch.setattr(wakeup, "LAST_WORD_SECONDS", 0.01)
    nowhere = Wakeup(read("postgresql://127.0.0.1:1/none"), lambda wake: None)
    await nowhere.stop()
    nowhere.start()
    nowhere.wake_others(Wake.LANES)
    await asyncio.wait_for(nowhere.stop(), WITHIN_SECONDS)


async def test_a_connection_that_breaks_is_made_again(
    start: Callable[[], Process], shared_postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was not there to hear looks for everything; and is heard again."""
    monkeypatch.setattr(wakeup, "RECONNECT_SECONDS", 0.01)
    one, other = start(), start()
    await one.until_listens()
    await other.until_listens()
    shared_postgres.query("postgres", f"SELECT pg_terminate_backend(pid) FROM ({LISTENS}) AS listens")
    one.wakeup.wake_others(Wake.LANES)
    await one.until_listens()
    await other.until_listens()
    one.wakeup.wake_others(Wake.LANES)
    await until(lambda: other.heard == {Wake.LANES}, what="it is heard")


async def test_silence_is_asked_about(
    start: Callable[[], Process], shared_postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody tells anything, the connection is asked whether it is still there, again and again."""
    monkeypatch.setattr(wakeup, "ASK_SECONDS", 0.01)
    await start().until_listens()
    asked = "SELECT state_change FROM pg_stat_activity WHERE query = 'SELECT 1' AND backend_type = 'client backend'"
    seen: set[str] = set()

    def asked_again() -> bool:
        seen.update(filter(None, [shared_postgres.query("postgres", asked).strip()]))
        return len(seen) > 1

    await until(asked_again, what="it is asked twice")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("connection is closed"),
    ],
    ids=["refuses", "says nothing", "starts", "closes"],
)
def test_a_database_that_is_away_is_asked_again_and_seldom(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whatever it says, a process goes on to ask for it; however soon it says that, not at once, nor for ever."""
    tries: list[Address] = []

    async def refused(address: Address, **arguments: Any) -> asyncpg.Connection:
        tries.append(address)
        assert len(tries) < 100
        assert arguments["within_seconds"] == wakeup.ANSWER_SECONDS
        raise error

    async def listen() -> None:
        listening = Wakeup(read("postgresql://127.0.0.1:1/none"), lambda wake: None)
        listening.start()
        await asyncio.sleep(10.5 * wakeup.RECONNECT_SECONDS)
        await listening.stop()

    monkeypatch.setattr(Address, "connect", refused)
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(listen())
    assert len(tries) == 11


@pytest.mark.parametrize("tells", [False, True], ids=["while nobody tells anything", "while it tells"])
async def test_a_connection_that_falls_silent_is_given_up(
    url: str, shared_postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch, *, tells: bool
) -> None:
    """A half-open connection answers nothing and is not closed: once its time is over, another one is asked for."""
    monkeypatch.setattr(wakeup, "ASK_SECONDS", 10 * WITHIN_SECONDS if tells else 0.01)
    monkeypatch.setattr(wakeup, "RECONNECT_SECONDS", 0.01)
    tries: list[Address] = []
    connect = Address.connect

    def noted(address: Address, **arguments: Any) -> Awaitable[asyncpg.Connection]:
        tries.append(address)
        return connect(address, **arguments)

    async with Relay(shared_postgres.port) as relay:
        process = Process(url.replace(f":{shared_postgres.port}/", f":{relay.port}/"))
        await process.until_listens()
        monkeypatch.setattr(Address, "connect", noted)
        monkeypatch.setattr(wakeup, "ANSWER_SECONDS", 0.1)
        await relay.silence()
        if tells:
            process.wakeup.wake_others(Wake.LANES)
        await until(lambda: tries, what="another connection is asked for")
        await process.wakeup.stop()
