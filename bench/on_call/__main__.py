"""`python -m bench.on_call`: what goes wrong in production, one thing after the other. Prints a table; fails on a loss.

Real processes on a real PostgreSQL, with the alerts of k8s/components/monitoring in a real Prometheus. Times are
compressed: the app's backoff and time limit, Slack's outages and all durations in the alerts are divided by --speed.
Thresholds of alerts that are seconds (a lane that waits for 60 s) are not, so those fire late here or not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.on_call.scenarios import SCENARIOS, Scenario
from bench.on_call.stage import Found, Stage
from tests.support.postgresql import PostgreSQL

WELL_SECONDS = 6.0


async def play(scenario: Scenario, speed: float, rate: float) -> Found:
    """One scenario, with a database and processes of its own."""
    directory = Path(tempfile.mkdtemp(prefix="anchorbolt-on-call-"))
    server = PostgreSQL(directory / "postgresql")
    server.start()
    try:
        async with Stage(directory, server, speed, rate, scenario.word) as stage:
            try:
                await asyncio.sleep(WELL_SECONDS)
                await scenario.play(stage)
                await asyncio.sleep(WELL_SECONDS)
                return await stage.settle(scenario.title)
            finally:
                if stage.server is not server:
                    stage.server.stop()
    finally:
        server.stop()


def row(found: Found) -> str:
    """A row of the table."""
    fired = ", ".join(f"{name} {at:.0f} s" for name, at in found.alerts.items()) or "none"
    first = "" if found.first_dead is None else f" (first {found.first_dead:.0f} s)"
    slowest = "none was accepted" if found.slowest_other is None else f"{found.slowest_other:.1f} s"
    again = "?" if found.again_after is None else f"{found.again_after:.1f} s"
    return (
        f"| {found.title} | {found.acknowledged} | {found.lost} | {found.doubled} | {found.dead}{first} | {found.live} "
        f"| {slowest} | {found.stood_still:.1f} s | {again} | {fired} |"
    )


COLUMNS = (
    *("what goes wrong", "acknowledged", "lost", "doubled", "dead", "still live"),
    *("slowest of the others", "the others stood still for", "ran again after its end", "alerts, after"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


async def main() -> int:
    """Plays what was asked for. Returns 1 when something was lost, or an outage left dead letters with --strict."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", help=f"of {', '.join(SCENARIOS)}; default: all")
    arguments.add_argument("--speed", type=float, default=10, help="by how much times are compressed")
    arguments.add_argument("--rate", type=float, default=20, help="events a second, half of them for the others")
    arguments.add_argument("--strict", action="store_true", help="fail too where an outage left dead letters")
    arguments.add_argument("--json", type=Path, help="write the counts there")
    asked = arguments.parse_args()
    found: list[Found] = []
    broken = False
    print(HEAD, flush=True)
    for name in asked.names or SCENARIOS:
        one = await play(SCENARIOS[name], asked.speed, asked.rate)
        found.append(one)
        broken = broken or one.lost > 0 or (asked.strict and one.dead > 0 and not SCENARIOS[name].may_die)
        print(row(one), flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
