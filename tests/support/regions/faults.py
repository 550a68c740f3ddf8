"""The faults: each is played under traffic, and what became of that is told.

They begin with the eu's site as the primary, and leave the sites broken as they are: `World.mend` mends them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.support.regions.balancer import Balancer
from tests.support.regions.world import Outcome, World

# Slack's are at once, after 60 s and after 300 s; a test has less time.
RETRY_AFTER = (0.0, 30.0, 60.0)
BEFORE_SECONDS, AFTER_SECONDS = 6.0, 12.0


async def lose(world: World, site: str, after_seconds: float) -> Outcome:
    """The power of a site and its link are gone: its database, its pods, its tier."""
    region = world.region_of(site)
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        region.note_pids()
        since = time.monotonic()
        await _do(world, "cut", site)
        world.note("kill", region).ended = time.time()
        await _do(world, "kill", site)
        await asyncio.sleep(after_seconds)
        if site == "r1":
            await asyncio.to_thread(world.sites.until_primary, "r1")
        promoted = time.monotonic() - since
        await asyncio.sleep(AFTER_SECONDS)
    found = await world.outcome(slack, since)
    found.times["promoted within"] = promoted
    await _do(world, "mend", site)
    await _do(world, "rejoin", site)
    return found


async def primary_lost(world: World) -> Outcome:
    """The primary's region is lost."""
    return await lose(world, "r1", 15)


async def other_lost(world: World) -> Outcome:
    """The other region is lost."""
    return await lose(world, "r2", 8)


async def link_cut(world: World, seconds: float = 60) -> Outcome:
    """The line between the two regions is cut, the third site sees both."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        fault = world.note("cut")
        await _do(world, "cut-link", "r1", "r2")
        await asyncio.sleep(seconds)
        await _do(world, "mend-link", "r1", "r2")
        fault.ended = time.time() + 5
        await asyncio.sleep(AFTER_SECONDS)
    return await world.outcome(slack, since)


async def cut_off(world: World, seconds: float = 40) -> Outcome:
    """The primary's region is cut off from everything, and comes back."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        fault = world.note("cut", world.eu)
        await _do(world, "cut", "r1")
        await asyncio.sleep(seconds)
        await _do(world, "mend", "r1")
        fault.ended = time.time() + 5
        await asyncio.sleep(AFTER_SECONDS)
    return await world.outcome(slack, since)


async def switchover(world: World) -> Outcome:
    """A planned switchover from the one region's server to the other's."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        fault = world.note("restart")
        await asyncio.to_thread(world.sites.do, "switchover", "r2", seconds=90)
        await asyncio.to_thread(world.sites.until_primary, "r1")
        fault.ended = time.time() + 5
        await asyncio.sleep(AFTER_SECONDS)
    return await world.outcome(slack, since)


async def drained(world: World) -> Outcome:
    """The eu is drained by command, and takes traffic again."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        await asyncio.to_thread(world.eu.command_line, "region", "drain", "eu", "--by", "the bench")
        balancer: Balancer = slack.balancer
        while balancer.takes(world.eu):
            await asyncio.sleep(0.1)
        away = time.monotonic() - since
        await asyncio.sleep(AFTER_SECONDS)
        assert not balancer.takes(world.eu)
        await asyncio.to_thread(world.eu.command_line, "region", "undrain", "eu")
        while not balancer.takes(world.eu):
            await asyncio.sleep(0.1)
        await asyncio.sleep(AFTER_SECONDS / 2)
    found = await world.outcome(slack, since)
    found.times["traffic was away within"] = away
    return found


async def _do(world: World, *words: str) -> None:
    await asyncio.to_thread(world.sites.do, *words)


FAULTS: dict[str, Callable[[World], Awaitable[Outcome]]] = {
    "the primary's region is lost": primary_lost,
    "the other region is lost": other_lost,
    "the link between the two is cut for 60 s": link_cut,
    "the primary's region is cut off from everything and comes back": cut_off,
    "planned switchover": switchover,
    "region drained by command": drained,
}
