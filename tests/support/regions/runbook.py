"""What docs/operations/regions.md says to do by hand, played under load: two sites lost, one rebuilt, no balancer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from tests.support.regions import members
from tests.support.regions.faults import AFTER_SECONDS, BEFORE_SECONDS, RETRY_AFTER
from tests.support.regions.sites import address
from tests.support.regions.world import Outcome, World
from tests.support.waiting import until_answer

# Until an operator does something; so that events have failed meanwhile.
NOTICED_AFTER_SECONDS = 10.0


async def two_lost(world: World) -> Outcome:
    """The primary's site and the third are lost; the one that is left goes on alone, by hand; both come back."""
    world.eu.note_pids()
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        for site in ("r1", "r3"):
            await world.do("cut", site)
        for site in ("r1", "r3"):
            await world.do("kill", site)
        world.note("kill", world.eu).ended = time.time()
        await asyncio.sleep(NOTICED_AFTER_SECONDS)
        by_hand = time.monotonic()
        # 1. to 3. of the runbook
        await world.do("force-etcd", "r2")
        await _configured(world, "synchronous_mode=off")
        await asyncio.to_thread(world.sites.until_primary, "r1")
        alone = time.monotonic() - by_hand
        await asyncio.sleep(AFTER_SECONDS)
        # 4. The second site is back, with what its disk has; etcd's is of a cluster that is no more.
        await world.do("restart-etcd", "r2")
        for site in ("r3", "r1"):
            await world.do("mend", site)
            await join(world, site, by="r2")
            if site == "r3":
                await asyncio.to_thread(world.sites.until_follows, "r3")
                await _configured(world, "synchronous_mode=quorum")
        world.way_round()
        await asyncio.to_thread(world.sites.until_whole)
        whole = time.monotonic() - by_hand
    found = await world.outcome(slack.account, since)
    found.may_lose = True
    found.times |= {"accepting again after the first command": alone, "whole again": whole}
    return found


async def rebuilt(world: World) -> Outcome:
    """The third site burns down with its disks, and is built again from nothing, beside the traffic."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        await world.do("cut", "r3")
        await world.do("kill", "r3")
        await world.do("wipe", "r3")
        await asyncio.sleep(AFTER_SECONDS)
        begun = time.monotonic()
        await world.do("mend", "r3")
        await join(world, "r3", by="r1")
        world.way_round()
        await asyncio.to_thread(world.sites.until_whole)
        whole = time.monotonic() - begun
        await asyncio.sleep(AFTER_SECONDS / 2)
    found = await world.outcome(slack.account, since)
    found.times["rebuilt within"] = whole
    return found


async def no_balancer(world: World) -> Outcome:
    """The global balancer is lost; somebody points the request URL at one region."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        slack.balancer.instead = f"http://{address('r2')}:9"  # nobody listens there
        await asyncio.sleep(NOTICED_AFTER_SECONDS)
        slack.balancer.instead = world.us.url
        pointed = time.monotonic() - since
        await asyncio.sleep(AFTER_SECONDS)
    found = await world.outcome(slack.account, since)
    found.times["pointed at the us after"] = pointed
    return found


async def join(world: World, site: str, by: str) -> None:
    """A site whose etcd is to be new: its member is replaced, it starts empty, and Patroni does the rest."""
    needs: list[str] = []

    async def replaced() -> bool:
        with contextlib.suppress(OSError):
            needs.append(await asyncio.to_thread(members.replace, site, by))
        return bool(needs)

    await until_answer(replaced, 60, what=f"etcd takes {site} as a member")
    await world.do("wipe-etcd", site)
    await world.do("join", site, needs[-1])


async def _configured(world: World, setting: str) -> None:
    """`patronictl edit-config`, in the us, as soon as etcd answers there."""

    async def done() -> bool:
        with contextlib.suppress(Exception):
            await world.do("patronictl", "r2", "edit-config", "anchorbolt", "-s", setting, "--force")
            return True
        return False

    await until_answer(done, 90, what=f"Patroni takes {setting}")


RUNBOOK: dict[str, Callable[[World], Awaitable[Outcome]]] = {
    "two sites are lost, and one goes on by hand": two_lost,
    "a site is rebuilt from nothing": rebuilt,
    "the balancer is lost": no_balancer,
}
