"""Of several hosts the one that takes us is found, whatever the others do: refuse, say nothing, or say no at first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from anchorbolt.inbox.postgresql import hosts
from anchorbolt.inbox.postgresql.hosts import Host, Race

A, B, C = ("a", 1), ("b", 1), ("c", 1)
LONG = 30.0


class Servers:
    """Stand-ins: `does` says what each does that is asked; a number is after how many questions it takes us."""

    def __init__(self, **does: str | int) -> None:
        self.does = does
        self.asked: list[str] = []

    async def connect(self, host: Host, seconds: float) -> Any:
        """As asyncpg."""
        assert 0 < seconds <= LONG
        name = str(host[0])
        self.asked.append(name)
        does = self.does[name]
        if does == "silent":
            await asyncio.sleep(seconds)
            raise TimeoutError
        if does == "no" or (isinstance(does, int) and self.asked.count(name) < does):
            raise ConnectionError(name)
        return name


async def test_the_last_one_is_asked_alone() -> None:
    """The host that took us last is asked first, and the others not at all while it answers."""
    race, servers = Race(), Servers(a="no", b="takes", c="no")
    assert await race.run((A, B, C), servers.connect, LONG) == "b"
    servers.asked.clear()
    assert await race.run((A, B, C), servers.connect, LONG) == "b"
    assert servers.asked == ["b"]


async def test_at_first_the_first_of_the_url_is_asked_alone() -> None:
    """Where it takes us no other one is asked, though each of them would."""
    servers = Servers(a="takes", b="takes", c="takes")
    assert await Race().run((A, B, C), servers.connect, LONG) == "a"
    assert servers.asked == ["a"]


async def test_a_silent_host_hides_nobody() -> None:
    """While the first says nothing, another is found, long before its time is over."""
    servers = Servers(a="silent", b="no", c="takes")
    assert await asyncio.wait_for(Race().run((A, B, C), servers.connect, LONG), LONG / 2) == "c"


async def test_who_is_promoted_meanwhile_is_found() -> None:
    """The old primary says nothing, and a standby says no twice before it is promoted: it is asked again."""
    servers = Servers(a="silent", b=3, c="no")
    assert await asyncio.wait_for(Race().run((A, B, C), servers.connect, LONG), LONG / 2) == "b"


async def test_all_fail() -> None:
    """Where all say no, that is told at once."""
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(Race().run((A, B, C), Servers(a="no", b="no", c="no").connect, LONG), LONG / 2)


async def test_silence_ends_with_the_time() -> None:
    """Where one says nothing and the others say no, it ends with the time that was given."""
    with pytest.raises((TimeoutError, ConnectionError)):
        await Race().run((A, B, C), Servers(a="silent", b="no", c="no").connect, 0.3)


async def test_a_caller_that_is_cancelled_leaves_nothing() -> None:
    """Who stops waiting ends all questions."""
    servers = Servers(a="silent", b="silent", c="silent")
    before = len(asyncio.all_tasks())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Race().run((A, B, C), servers.connect, LONG), 0.05)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


async def test_one_search_is_enough_for_all() -> None:
    """Of many connections at once, one asks the hosts, and the others ask whom it has found."""
    race, servers = Race(), Servers(a="no", b="takes", c="no")
    assert set(await asyncio.gather(*(race.run((A, B, C), servers.connect, LONG) for _ in range(6)))) == {"b"}
    assert servers.asked.count("a") == 1
    assert servers.asked.count("b") == 6


async def test_one_search_that_fails_is_enough_for_all() -> None:
    """Where all hosts say no, each is asked once, and every connection is told why."""
    race, servers = Race(), Servers(a="no", b="no", c="no")
    told = await asyncio.gather(*(race.run((A, B, C), servers.connect, LONG) for _ in range(6)), return_exceptions=True)
    assert {type(one) for one in told} == {ConnectionError}
    assert sorted(servers.asked) == ["a", "b", "c"]


async def test_who_waits_goes_on_where_the_search_is_cancelled() -> None:
    """The one that searches is given up: another one searches, and finds."""
    race, servers = Race(), Servers(a="silent", b="silent", c="silent")
    searching = asyncio.ensure_future(race.run((A, B, C), servers.connect, LONG))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(race.run((A, B, C), servers.connect, LONG))
    await asyncio.sleep(0)
    servers.does["a"] = "takes"
    searching.cancel()
    assert await asyncio.wait_for(waiting, LONG / 2) == "a"


async def test_who_waits_does_so_for_its_own_time() -> None:
    """A connection that has less time than the search takes is told so when its time is over, in words."""
    race, servers = Race(), Servers(a="silent", b="silent", c="silent")
    searching = asyncio.ensure_future(race.run((A, B, C), servers.connect, LONG))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError, match=r"none of the 3 hosts of DATABASE_URL .* within 0\.05 s"):
        await race.run((A, B, C), servers.connect, 0.05)
    searching.cancel()


async def test_after_a_search_that_found_nobody_the_next_one_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are busy with a promotion are not asked again and again by every connection that is wanted."""
    monkeypatch.setattr(hosts, "REST_SECONDS", LONG)
    race, servers = Race(), Servers(a="no", b="no", c="no")
    with pytest.raises(ConnectionError):
        await race.run((A, B, C), servers.connect, LONG)
    servers.asked.clear()
    resting = asyncio.ensure_future(race.run((A, B, C), servers.connect, LONG))
    for _ in range(10):
        await asyncio.sleep(0)
    assert servers.asked == []
    resting.cancel()
