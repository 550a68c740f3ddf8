"""The cache remembers installations, forgets what has changed, and lives through a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.encryption import Keys
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installation_cache import InstallationCache
from anchorbolt.workspaces.memory import FRESH_SECONDS

from tests.support.waiting import until, until_answer

KEYS = Keys([b"k" * 32])


class Counted:
    """A store that counts its transactions, and can be away."""

    def __init__(self, inbox: Inbox) -> None:
        self._store = inbox.store
        self.database = inbox.database
        self.reads = 0
        self.away = False
        self.now = 1000.0

    def clock(self) -> float:
        """The time that the test says."""
        return self.now

    async def transact(self, work: Callable[..., Any], *, reads: bool = False) -> Any:
        """As of the store."""
        self.reads += 1
        if self.away:
            raise StoreUnavailableError("away")
        return await self._store.transact(work, reads=reads)


def cache_on(store: Counted, most: int = 10) -> InstallationCache:
    """A cache of another process."""
    return InstallationCache(store, KEYS, most=most, wake_others=lambda: None)  # type: ignore[arg-type] # a store, as it is used


async def save(inbox: Inbox, cache: InstallationCache, *workspaces: str, token: str = "xoxb-1") -> None:
    """Installs the app in these workspaces."""
    for name in workspaces:
        found = Installation(name, Token(token))
        await inbox.store.transact(lambda c, found=found: cache.installations.save(c, found))


async def test_an_installation_is_read_once(inbox: Inbox) -> None:
    """Many that ask at the same time, and later, cost one transaction, until what was read is too old."""
    store = Counted(inbox)
    cache = cache_on(store)
    await save(inbox, cache, "T1")

    found = await asyncio.gather(*(cache.find(["T1"]) for _ in range(20)))
    assert [one.workspace for one in found if one] == ["T1"] * 20
    await cache.find(["T1"])
    assert store.reads == 1
    store.now += FRESH_SECONDS + 1
    await cache.find(["T1"])
    assert store.reads == 2


async def test_all_that_is_too_old_is_looked_at_together(inbox: Inbox) -> None:
    """One transaction tells that none of many has changed; what has changed, unheard, is read again alone."""
    store = Counted(inbox)
    cache = cache_on(store)
    names = [f"T{n}" for n in range(10)]
    await save(inbox, cache, *names)
    for name in names:
        await cache.find([name])
    store.reads = 0
    store.now += FRESH_SECONDS + 1
    for _ in range(2):
        assert all(await asyncio.gather(*(cache.find([name]) for name in names)))
    assert store.reads == 1

    await save(inbox, cache, "T3", token="xoxb-2")
    await inbox.store.transact(lambda c: cache.installations.remove(c, "T4"))
    store.reads = 0
    store.now += FRESH_SECONDS + 1
    found = await asyncio.gather(*(cache.find([name]) for name in names))
    assert [one.bot.access if one and one.bot else None for one in found] == [
        *["xoxb-1"] * 3,
        "xoxb-2",
        None,
        *["xoxb-1"] * 5,
    ]
    assert store.reads == 3


async def test_a_workspace_that_is_known_needs_nothing_of_its_organization(inbox: Inbox) -> None:
    """That an organization has no installation of its own is not asked again and again beside a workspace's."""
    store = Counted(inbox)
    cache = cache_on(store)
    await save(inbox, cache, "T1")
    await cache.find(["T1", "E1"])
    store.reads = 0
    store.now += FRESH_SECONDS / 2
    assert await cache.find(["T1", "E1"])
    assert store.reads == 0


async def test_a_workspace_comes_before_its_organization(inbox: Inbox) -> None:
    """The first that is installed is found; without it the next one is."""
    cache = cache_on(Counted(inbox))
    await save(inbox, cache, "T1", "E1")

    assert (found := await cache.find(["T1", "E1"])) is not None
    assert found.workspace == "T1"
    assert (found := await cache.find(["T2", "E1"])) is not None
    assert found.workspace == "E1"
    assert await cache.find(["T2"]) is None
    assert await cache.find([]) is None


async def test_what_another_process_changed_is_read_again(inbox: Inbox) -> None:
    """A new token and a removal are seen after the other process said so; what did not change stays."""
    store = Counted(inbox)
    cache = cache_on(store)
    await save(inbox, cache, "T1", "T2", "T3")
    for name in ("T1", "T2", "T3"):
        await cache.find([name])

    await save(inbox, cache, "T1", token="xoxb-2")
    await inbox.store.transact(lambda c: cache.installations.remove(c, "T2"))
    cache.recheck()
    await until(lambda: store.reads == 4, what="the versions were read")

    async def found(name: str) -> str | None:
        one = await cache.find([name])
        return one.bot.access if one is not None and one.bot is not None else None

    async def is_new() -> bool:
        return await found("T1") == "xoxb-2"

    await until_answer(is_new, what="the versions were compared")
    assert await found("T2") is None
    assert store.reads == 6
    assert await found("T3") == "xoxb-1"
    assert store.reads == 6


async def test_a_read_that_began_before_a_change_is_not_remembered(inbox: Inbox) -> None:
    """Who asks after the change reads anew."""
    cache = cache_on(Counted(inbox))
    before = asyncio.create_task(cache.find(["T1"]))
    await asyncio.sleep(0)
    await save(inbox, cache, "T1")
    cache.changed("T1")
    await before

    assert await cache.find(["T1"]) is not None


async def test_while_the_database_is_away_what_was_known_counts(inbox: Inbox) -> None:
    """An installation that is too old is better than none; of one that was never read the error tells."""
    store = Counted(inbox)
    cache = cache_on(store)
    await save(inbox, cache, "T1")
    await cache.find(["T1"])
    store.now += FRESH_SECONDS + 1
    store.away = True

    assert await cache.find(["T1"]) is not None
    with pytest.raises(StoreUnavailableError):
        await cache.find(["T2"])


async def test_memory_is_bounded(inbox: Inbox) -> None:
    """Beyond the limit, what was read first is read again."""
    store = Counted(inbox)
    cache = cache_on(store, most=2)
    await save(inbox, cache, "T1", "T2", "T3")
    for name in ("T1", "T2", "T3", "T3", "T2"):
        await cache.find([name])
    assert store.reads == 3
    await cache.find(["T1"])
    assert store.reads == 4


async def test_users_tokens_are_remembered_until_something_changes(inbox: Inbox) -> None:
    """A user's token is read once, and again after a change."""
    store = Counted(inbox)
    cache = cache_on(store)
    user = UserToken("T1", "U1", Token("xoxp-1"))
    await inbox.store.transact(lambda c: cache.installations.save_user(c, user))
    await save(inbox, cache, "T1")

    assert (found := await cache.find(["T1"])) is not None
    assert found.has_users
    assert await cache.find_user("T1", "U1") == await cache.find_user("T1", "U1") == user
    assert await cache.find_user("T1", "U2") is None
    assert store.reads == 3
    await inbox.store.transact(lambda c: cache.installations.remove_user(c, "T1", "U1"))
    cache.changed("T1")
    assert await cache.find_user("T1", "U1") is None
