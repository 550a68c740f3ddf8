"""`python -m bench.on_call`: what goes wrong in production, one thing after the other. Prints a table; fails on a loss.

Real processes on a real PostgreSQL, with the alerts of k8s/components/monitoring in a real Prometheus. Times are
compressed: the app's backoff and time limit, Slack's outages and retries, and all durations in the alerts are divided
by --speed. Leases, what blocks the event loop, and the time that a process needs to start are not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.on_call.record import HEAD, load_average, record, row
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
        async with Stage(directory, server, speed, rate, (scenario.others, scenario.word)) as stage:
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


async def main() -> int:
    """Plays what was asked for. Returns 1 when something was lost, or an outage left dead letters with --strict."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", help=f"of {', '.join(SCENARIOS)}; default: all")
    arguments.add_argument("--speed", type=float, default=10, help="by how much times are compressed")
    arguments.add_argument("--rate", type=float, default=20, help="events a second, half of them for the others")
    arguments.add_argument("--strict", action="store_true", help="fail too where an outage left dead letters")
    arguments.add_argument("--json", type=Path, help="write the counts there")
    arguments.add_argument(
        "--record", type=Path, help="write the table there, in the place of what it has of a scenario"
    )
    asked = arguments.parse_args()
    found: list[Found] = []
    broken = False
    print(HEAD, flush=True)
    for name in asked.names or SCENARIOS:
        load = load_average()
        one = await play(SCENARIOS[name], asked.speed, asked.rate)
        found.append(one)
        broken = broken or one.lost > 0 or (asked.strict and one.dead > 0 and not SCENARIOS[name].may_die)
        print(row(one, load), flush=True)
        if asked.record is not None:
            record(asked.record, one, load, asked.speed, asked.rate)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
