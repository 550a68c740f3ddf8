"""Two regions on three sites, brought up once and mended between tests. Every machine has them once: their names are
fixed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.regions.region import Way
from tests.support.regions.sites import missing, unable
from tests.support.regions.world import World
from tests.support.regions.world import world as bring_up

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts these tests before all others: they take minutes, and would be the last to end."""
    items.sort(key=lambda item: item.path.parent != HERE)


@pytest.fixture(scope="session")
def sites_are_possible() -> None:
    """Skips where three sites cannot be brought up, and says why; in the CI a missing package fails."""
    told = "NO THREE SITES: {}; NOTHING is known about several regions"
    if (reason := unable()) is not None:
        pytest.skip(told.format(reason))
    if (reason := missing()) is not None:
        pytest.fail(told.format(reason)) if os.environ.get("CI") else pytest.skip(told.format(reason))


class Worlds:
    """The world of all tests. One that a failed test left beyond mending is replaced."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._stack = AsyncExitStack()
        self._world: World | None = None

    async def whole(self, *ways: Way) -> World:
        """The world as at its beginning. `ways`: how the pods of the eu and of the us reach the database."""
        if self._world is not None:
            try:
                await self._world.reach_database_by(ways)
                await self._world.mend()
            except (AssertionError, subprocess.SubprocessError):
                await self.end()
            else:
                self._world.forget()
                return self._world
        made = await self._stack.enter_async_context(bring_up(self._factory.mktemp("regions"), ways=ways))
        self._world = made
        return made

    async def end(self) -> None:
        """Takes it down."""
        self._world = None
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds(sites_are_possible: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worlds]:
    """Three sites take a while to come up: all tests use the same ones, and each mends what the one before broke."""
    made = Worlds(tmp_path_factory)
    yield made
    await made.end()


@pytest_asyncio.fixture(loop_scope="module")
async def world(worlds: Worlds) -> World:
    """Both regions, with the database's primary in the eu's site."""
    return await worlds.whole(Way.HOSTS, Way.HOSTS)


@pytest_asyncio.fixture(loop_scope="module")
async def world_through_proxies(worlds: Worlds) -> World:
    """The same, where the eu's pod reaches the database by a HAProxy that asks Patroni, the us's by PgBouncer too."""
    return await worlds.whole(Way.HAPROXY, Way.POOLER)
