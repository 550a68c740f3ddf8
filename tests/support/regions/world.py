"""All of it together: three sites, a region in two of them, Slack outside; and what was kept at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.chaos.faults import Fault
from tests.support.chaos.history import Findings, check, runs_of
from tests.support.listener_log import ListenerLog
from tests.support.postgresql import migrate
from tests.support.regions.balancer import Account, Balancer, Slack
from tests.support.regions.certificates import make_certificates
from tests.support.regions.region import HOP_PORT, TO_THE_PRIMARY, Region, Way
from tests.support.regions.sites import HOST_ADDRESS, Sites, address, inside
from tests.support.waiting import until_answer

RATE = 20.0
LEASE_SECONDS = 5
REFUSED = "completion refused: the lane is another's by now"
ROW = "json_build_object('key', key, 'lane', lane, 'id', id, 'state', state)"
ROWS = f"SELECT coalesce(json_agg({ROW}), '[]') FROM delivery"
LIVE = "SELECT count(*) FROM delivery WHERE state = 'live'"
SETTLE_SECONDS = 90.0


@dataclass
class Outcome:
    """What became of the traffic of one fault."""

    account: Account
    findings: Findings
    lost: list[str]
    unended: int
    refused_completions: int
    gap_seconds: float
    times: dict[str, float] = field(default_factory=dict)
    may_lose: bool = False  # what two lost sites alone had is gone

    def problems(self) -> list[str]:
        """What must not be, whatever the fault; empty when all promises were kept."""
        return [
            *(f"lost: {key} was acknowledged and has not ended" for key in self.lost if not self.may_lose),
            *(f"given up by Slack: {key}" for key in sorted(self.account.given_up)),
            *(f"out of order: {what}" for what in self.findings.out_of_order),
            *(f"at once in a lane: {what}" for what in self.findings.at_once),
            *(f"ran again without a reason: {what}" for what in self.findings.unexplained),
            *([f"{self.unended} deliveries have not ended"] if self.unended else []),
        ]


class World:
    """Two regions on three sites. `regions` are eu in r1, which is the home of all, and us in r2."""

    def __init__(self, sites: Sites, directory: Path) -> None:
        self.sites = sites
        self._directory = directory
        self.log = ListenerLog(directory)
        self.slack_api = Emulator(host=HOST_ADDRESS)
        self.regions: list[Region] = []
        self.faults: list[Fault] = []
        self._way_round: subprocess.Popen[bytes] | None = None

    @property
    def eu(self) -> Region:
        """The region in r1."""
        return self.regions[0]

    @property
    def us(self) -> Region:
        """The region in r2."""
        return self.regions[1]

    def region_of(self, site: str) -> Region:
        """The region in a site."""
        return next(region for region in self.regions if region.site == site)

    async def do(self, *words: str) -> None:
        """Runs the script of the sites (`regions`) with these words, without holding up the event loop."""
        await asyncio.to_thread(self.sites.do, *words)

    async def start(self, ways: Sequence[Way]) -> None:
        """Makes the schema, and starts both regions. `ways`: how the pods of each reach the database."""
        await self.slack_api.start()
        await migrate_within(self.sites.url())
        make_certificates(self._directory)
        environment = self.log.environment | {
            "DATABASE_URL": self.sites.url(),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "LOG_LEVEL": "INFO",
        }
        for name, site, peer, where in (("eu", "r1", "us", "r2"), ("us", "r2", "eu", "r1")):
            peers = {peer: f"{address(where)}:{HOP_PORT}"}
            folder = self._directory / name
            self.regions.append(Region(name, site, folder, environment, self.slack_api.api_url, peers))
        self.way_round()
        for region, way in zip(self.regions, ways, strict=True):
            region.way = way
            region.start()
        async with client() as http:
            for region in self.regions:
                await region.until_up(http)

    def way_round(self) -> None:
        """Starts the way to the primary in the third site; again, where it was lost with its site."""
        if self._way_round is not None and self._way_round.poll() is None:
            return
        command = [*inside("r3"), "haproxy", "-W", "-db", "-f", str(TO_THE_PRIMARY)]
        with (self._directory / "to-the-primary.log").open("ab") as output:
            environment = {"PATH": f"/usr/sbin:{os.environ['PATH']}"}
            self._way_round = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    async def stop(self) -> None:
        """Ends both regions."""
        for region in self.regions:
            region.reap()
        if self._way_round is not None:
            self._way_round.terminate()
            self._way_round.wait(10)
        await self.slack_api.stop()

    async def mend(self) -> None:
        """After a fault: everything runs again, and the eu's site leads, as at the beginning."""
        async with client() as http:
            for region in self.regions:
                if region.app is None or region.app.exit_code is not None:
                    region.reap()
                    region.start()
                await region.until_up(http)
        await asyncio.to_thread(self.sites.until_whole)
        await self.switch_to("r1")

    async def reach_database_by(self, ways: Sequence[Way]) -> None:
        """Starts each region anew whose pod reaches the database in another way so far."""
        for region, way in zip(self.regions, ways, strict=True):
            if region.way is not way:
                region.reap()
                region.way = way
                region.start()

    async def switch_to(self, site: str) -> None:
        """Lets a site's server lead, and waits until the other two confirm and both regions accept."""
        if await asyncio.to_thread(self.sites.primary) != site:
            await asyncio.to_thread(self.sites.do, "switchover", site, seconds=90)
            await asyncio.to_thread(self.sites.until_whole)
        await self._until_each_accepts()

    def forget(self) -> None:
        """What is played next is held against its own faults and runs alone."""
        self.faults.clear()
        self.log.forget()

    async def _until_each_accepts(self) -> None:
        """Until each region has accepted an event itself, whatever the fault before has left."""
        async with client() as http:
            for region in self.regions:
                url = f"http://{address(region.site)}:3000/slack/events"

                async def accepts(url: str = url) -> bool:
                    return (await Player(http, url, EMULATOR_SECRET).send(make("app_mention", Scene(text="")))).ok

                await until_answer(accepts, what=f"{region.name} accepts")

    @asynccontextmanager
    async def traffic(self, retry_after: Sequence[float], *, rate: float = RATE) -> AsyncIterator[Slack]:
        """Slack sends until the block ends, and then what is on its way."""
        balancer = Balancer(self.regions)
        slack = Slack(balancer, rate, retry_after)
        checking = asyncio.ensure_future(balancer.check())
        sending = asyncio.ensure_future(slack.send())
        try:
            yield slack
            slack.stop()
            await sending
        finally:
            for task in (checking, sending):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def note(self, what: str, *regions: Region) -> Fault:
        """Notes a fault that begins now: it explains runs that come twice. Without regions it hits all."""
        for region in regions or self.regions:
            region.note_pids()
        pids = {pid for region in regions for pid in region.pids} if regions else None
        self.faults.append(Fault(what, pids, time.time()))
        return self.faults[-1]

    async def outcome(self, account: Account, since: float) -> Outcome:
        """Waits until all has ended, and holds what Slack knows against what ran. `since`: for the gap."""
        primary = await asyncio.to_thread(self.sites.until_primary)

        async def settled() -> bool:
            with contextlib.suppress(Exception):  # a server that is just being promoted
                return await asyncio.to_thread(self.sites.query, primary, LIVE) == "0"
            return False

        with contextlib.suppress(AssertionError):  # then the outcome says so
            await until_answer(settled, SETTLE_SECONDS, what="nothing is live any more")
        rows = json.loads(await asyncio.to_thread(self.sites.query, primary, ROWS))
        order = {row["key"]: (row["lane"], row["id"]) for row in rows}
        done = {row["key"] for row in rows if row["state"] == "done"}
        runs = [run for run in runs_of(self.log.entries(), self.faults) if run.key in order]
        really = {run.key for run in runs if run.how == "done"}
        return Outcome(
            account,
            check(runs, self.faults, order),
            sorted(account.acknowledged.keys() - (done & really)),
            sum(row["state"] == "live" for row in rows),
            sum(len(region.app.log(REFUSED)) for region in self.regions if region.app is not None),
            account.longest_gap(since),
        )


async def migrate_within(url: str, within_seconds: float = 30) -> None:
    """Makes the schema, as soon as a commit can be confirmed."""

    async def made() -> bool:
        with contextlib.suppress(Exception):
            await migrate(url)
            return True
        return False

    await until_answer(made, within_seconds, what="the schema is made")


@asynccontextmanager
async def world(
    directory: Path, *, delay_ms: int = 0, ways: Sequence[Way] = (Way.HOSTS, Way.HOSTS)
) -> AsyncIterator[World]:
    """Brings all of it up, and down again. `ways`: how the pods of the eu and of the us reach the database."""
    sites = Sites(delay_ms)
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, sites.running())
        made = World(sites, directory)
        try:
            await made.start(ways)
            yield made
        finally:
            await made.stop()
