"""`python -m bench.regions`: loses, cuts, drains and switches over regions under load, and prints what became of it.

Three sites in network namespaces with PostgreSQL under Patroni, in two of them a pod of the app behind its tier;
outside Slack, who sends signed requests through a balancer and repeats events that failed. Needs root. `--times 3`
plays each fault three times; `--record NAME` writes bench/results/regions-NAME.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from bench.machine import commit
from tests.support.regions import faults
from tests.support.regions.faults import RETRY_AFTER
from tests.support.regions.region import Way
from tests.support.regions.runbook import RUNBOOK
from tests.support.regions.sites import address, missing, unable
from tests.support.regions.world import RATE, Outcome, World, world

FAULTS = faults.FAULTS | RUNBOOK
RESULTS = Path(__file__).parent / "results"
LATENCIES = 200
HEAD = (
    "| fault | round | events | acknowledged and lost | out of order, or twice without a cut | first answers failed |"
    " not accepted on any retry | commands failed | no event accepted for | cut short and ran again | times |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


def row(name: str, number: int, found: Outcome) -> str:
    """One line of the table."""
    account, findings = found.account, found.findings
    wrong = len(findings.out_of_order) + len(findings.at_once) + len(findings.unexplained)
    times = "; ".join(f"{what} {seconds:.1f} s" for what, seconds in found.times.items())
    doubled = sum(findings.doubled.values())
    cells = (
        *(name, number, account.events, len(found.lost), wrong, account.first_failed, len(account.given_up)),
        *(f"{account.commands_failed} of {account.commands}", f"{found.gap_seconds:.1f} s", doubled, times or "-"),
    )
    return f"| {' | '.join(map(str, cells))} |"


async def latencies(made: World) -> str:
    """How long an accept takes from either region, a request at a time to the pod itself: the median, in ms."""
    told = []
    primary = await asyncio.to_thread(made.sites.until_primary)
    async with client() as http:
        for region in made.regions:
            player = Player(http, f"http://{address(region.site)}:3000/slack/events", EMULATOR_SECRET)
            acks = [await player.send(make("app_mention", Scene(text=""))) for _ in range(LATENCIES)]
            median = statistics.median(ack.ack_ms for ack in acks if ack.ok)
            where = "beside the primary" if region.site == primary else "from the far region"
            told.append(f"{where} {median:.0f} ms")
    return "; ".join(told)


async def play(
    names: Sequence[str], times: int, delay_ms: int, record: Callable[[list[str]], None], ways: Sequence[Way]
) -> int:
    """Plays the faults; how many promises were broken. `record`: gets the lines of the table after each."""
    lines, broken = [], 0
    directory = Path(tempfile.mkdtemp(prefix="anchorbolt-regions-bench-"))
    async with world(directory, delay_ms=delay_ms, ways=ways) as made:
        for number in range(1, times + 1):
            for name in names:
                began = time.monotonic()
                found = await FAULTS[name](made)
                lines.append(row(name, number, found))
                print(lines[-1], flush=True)
                record(lines)
                for problem in found.problems():
                    broken += 1
                    print(f"BROKEN: {problem}", flush=True)
                await made.mend()
                made.forget()
                print(f"  ({time.monotonic() - began:.0f} s, the mending included)", flush=True)
        lines += ["", f"Accept, {delay_ms} ms one way between sites, median of {LATENCIES}: {await latencies(made)}."]
        print(lines[-1], flush=True)
        record(lines)
    print(f"logs: {directory}")
    return broken


async def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("faults", nargs="*", help=f"parts of the names of some: {'; '.join(FAULTS)}")
    arguments.add_argument("--times", type=int, default=1)
    arguments.add_argument("--delay", type=int, default=15, help="milliseconds between two sites, one way")
    arguments.add_argument(
        "--through-proxies", action="store_true", help="the eu reaches the database by HAProxy, the us by PgBouncer"
    )
    arguments.add_argument("--latency-only", action="store_true", help="no faults")
    arguments.add_argument("--record", metavar="NAME")
    asked = arguments.parse_args()
    if (reason := unable() or missing()) is not None:
        print(f"cannot run here: {reason}")
        return 2
    names = [] if asked.latency_only else [n for n in FAULTS if not asked.faults or any(f in n for f in asked.faults)]
    about = (
        f"`python -m bench.regions {' '.join(sys.argv[1:])}`, {time.strftime('%d %B %Y')}, {commit()}: three sites on"
        f" one machine of {os.cpu_count()} cores that others used too (load {os.getloadavg()[0]:.1f} before it),"
        f" {asked.delay} ms one way between sites, {RATE:.0f} requests/s of which one in ten is a command. Events that"
        f" failed come again after {', '.join(f'{seconds:.0f}' for seconds in RETRY_AFTER)} s, sooner once nothing"
        " new comes. Patroni has ttl 20 and loop_wait 2."
    )

    def record(lines: list[str]) -> None:
        if asked.record:
            text = "\n".join(["# Regions", "", about, "", HEAD, *lines, ""])
            (RESULTS / f"regions-{asked.record}.md").write_text(text)

    ways = (Way.HAPROXY, Way.POOLER) if asked.through_proxies else (Way.HOSTS, Way.HOSTS)
    broken = await play(names, asked.times, asked.delay, record, ways)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
