"""The faults: each is played under traffic, and what became of that is told.

They begin with the eu's site as the primary, and leave the sites broken as they are: `World.mend` mends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Callable

from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.regions.balancer import Account, Balancer
from tests.support.regions.region import Region
from tests.support.regions.sites import address
from tests.support.regions.world import Outcome, World
from tests.support.waiting import until_answer

# Slack's are at once, after 60 s and after 300 s; a test has less time.
RETRY_AFTER = (0.0, 30.0, 60.0)
BEFORE_SECONDS, AFTER_SECONDS = 3.0, 8.0


async def lose(world: World, site: str, after_seconds: float) -> Outcome:
    """The power of a site and its link are gone: its database, its pods, its tier."""
    region = world.region_of(site)
    region.note_pids()
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        await world.do("cut", site)
        await world.do("kill", site)
        world.note("kill", region).ended = time.time()  # after it: a run that began a moment before was killed too
        await asyncio.sleep(after_seconds)
        if site == "r1":
            await asyncio.to_thread(world.sites.until_primary, "r1")
        promoted = time.monotonic() - since
        await asyncio.sleep(AFTER_SECONDS)
    found = await world.outcome(slack.account, since)
    found.times["promoted within"] = promoted
    await world.do("mend", site)
    await world.do("rejoin", site)
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
        await world.do("cut-link", "r1", "r2")
        await asyncio.sleep(seconds)
        await world.do("mend-link", "r1", "r2")
        fault.ended = time.time() + 5
        await asyncio.sleep(AFTER_SECONDS)
    return await world.outcome(slack.account, since)


async def cut_off(world: World, seconds: float = 40) -> Outcome:
    """The primary's region is cut off from everything, and comes back."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        fault = world.note("cut", world.eu)
        await world.do("cut", "r1")
        await asyncio.sleep(seconds)
        await world.do("mend", "r1")
        fault.ended = time.time() + 5
        await asyncio.sleep(AFTER_SECONDS)
    return await world.outcome(slack.account, since)


async def switchover(world: World) -> Outcome:
    """A planned switchover from the one region's server to the other's, which Patroni chooses by its priority."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        fault = world.note("restart")
        await asyncio.to_thread(world.sites.do, "switchover", seconds=90)
        await asyncio.to_thread(world.sites.until_primary, "r1")
        fault.ended = time.time() + 5
        await asyncio.sleep(AFTER_SECONDS)
    return await world.outcome(slack.account, since)


async def drained(world: World) -> Outcome:
    """The eu is drained by command, and takes traffic again."""
    async with world.traffic(RETRY_AFTER) as slack:
        await asyncio.sleep(BEFORE_SECONDS)
        since = time.monotonic()
        await asyncio.to_thread(world.eu.command_line, "region", "drain", "eu", "--by", "the bench")
        balancer: Balancer = slack.balancer
        while balancer.takes(world.eu):  # noqa: ASYNC110 - the balancer has no event for that
            await asyncio.sleep(0.1)
        away = time.monotonic() - since
        await asyncio.sleep(AFTER_SECONDS)
        assert not balancer.takes(world.eu)
        await asyncio.to_thread(world.eu.command_line, "region", "undrain", "eu")
        while not balancer.takes(world.eu):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
        await asyncio.sleep(AFTER_SECONDS / 2)
    found = await world.outcome(slack.account, since)
    found.times["traffic was away within"] = away
    return found


async def duplicate(world: World) -> Outcome:
    """Both standbys are frozen, the primary is killed and starts again, Slack's retry comes to a fresh pod, and a
    standby is promoted: the event is there, or was never answered 200."""
    account = Account(events=2)
    since = time.monotonic()
    async with client() as http:

        async def send(region: Region, sample: Sample, number: int) -> bool:
            """To the region's pod itself, as its tier would; with Slack's patience."""
            ack = await Player(http, f"http://{address(region.site)}:3000/slack/events", EMULATOR_SECRET).send(
                sample, retry_num=number
            )
            account.told[f"event {ack.told}"] += 1
            if ack.ok:
                account.acknowledged[str(sample.key)] = time.monotonic()
            return ack.ok

        before, lonely = (make("app_mention", Scene(channel_id="C0FROZEN", text=f"n={n}")) for n in range(2))
        assert await send(world.eu, before, 0)
        for site in ("r2", "r3"):
            await world.do("freeze-database", site)
        # 1. Its commit waits for a standby; Slack is told nothing good.
        account.first_failed += not await send(world.eu, lonely, 0)
        # 2. The primary is killed and started again in its place: it shows the event now, and no standby has it. Its
        # Patroni stands still meanwhile: it would note that no standby is there, and let nobody be promoted.
        await world.do("freeze-patroni", "r1")
        await world.do("kill-database", "r1")
        await world.do("start-database", "r1")
        has_it = f"SELECT count(*) FROM delivery WHERE key = '{lonely.key}'"

        async def shows() -> bool:
            with contextlib.suppress(subprocess.CalledProcessError):
                return await asyncio.to_thread(world.sites.query, "r1", has_it) == "1"
            return False

        await until_answer(shows, 90, what="the primary shows the event")
        # 3. Slack's retry at a pod that never saw it.
        account.retried += 1
        account.first_failed += not await send(world.us, lonely, 1)
        # 4. The primary is lost with its site, and a standby that never had the event is promoted.
        world.eu.note_pids()
        await world.do("cut", "r1")
        await world.do("kill", "r1")
        world.note("kill", world.eu).ended = time.time()
        for site in ("r2", "r3"):
            await world.do("thaw-database", site)
        primary = await asyncio.to_thread(world.sites.until_primary, "r1")
        kept = await asyncio.to_thread(world.sites.query, primary, has_it) == "1"
        answered = str(lonely.key) in account.acknowledged
        assert kept or not answered, "it was answered 200, and is lost"
        # 5. Where it was not answered, Slack comes again.

        async def accepted() -> bool:
            account.retried += 1
            return await send(world.us, lonely, 2)

        if not answered:
            await until_answer(accepted, 60, what="Slack's next retry is accepted")
    found = await world.outcome(account, since)
    await world.do("mend", "r1")
    await world.do("rejoin", "r1")
    return found


FAULTS: dict[str, Callable[[World], Awaitable[Outcome]]] = {
    "the primary's region is lost": primary_lost,
    "the other region is lost": other_lost,
    "the link between the two is cut for 60 s": link_cut,
    "the primary's region is cut off from everything and comes back": cut_off,
    "standbys frozen, primary killed and restarted, retry at a fresh pod, standby promoted": duplicate,
    "planned switchover": switchover,
    "region drained by command": drained,
}
