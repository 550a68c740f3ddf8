"""Two regions on three sites, brought up for each test. Every machine has them once: their names are fixed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.regions.region import Way
from tests.support.regions.sites import missing, unable
from tests.support.regions.world import World
from tests.support.regions.world import world as bring_up


@pytest.fixture(scope="session")
def sites_are_possible() -> None:
    """Skips where three sites cannot be brought up, and says why; in the CI a missing package fails."""
    told = "NO THREE SITES: {}; NOTHING is known about several regions"
    if (reason := unable()) is not None:
        pytest.skip(told.format(reason))
    if (reason := missing()) is not None:
        pytest.fail(told.format(reason)) if os.environ.get("CI") else pytest.skip(told.format(reason))


@pytest.fixture
async def world(sites_are_possible: None, tmp_path: Path) -> AsyncIterator[World]:
    """Both regions, with the database's primary in the eu's site."""
    async with bring_up(tmp_path) as made:
        yield made


@pytest.fixture
async def world_through_proxies(sites_are_possible: None, tmp_path: Path) -> AsyncIterator[World]:
    """The same, where the eu's pod reaches the database by a HAProxy that asks Patroni, the us's by PgBouncer too."""
    async with bring_up(tmp_path, ways=(Way.HAPROXY, Way.POOLER)) as made:
        yield made
