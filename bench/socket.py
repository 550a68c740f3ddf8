"""How long nobody takes what Slack sends in Socket Mode, when a pod dies and when it is rolled out; single and all.

python -m bench.socket --times 40

Three processes of the app on one PostgreSQL (fsync on), with the default leases, and a Slack emulator that sends 50
events a second over any connection that stands. A gap is the longest time without an event that was acknowledged at its
first try. Fails when a promise was broken: lost, out of order, run twice.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.machine import commit, machine
from tests.support.postgresql import PostgreSQL
from tests.support.socket_run import gap_of, socket_run
from tests.support.waiting import until

RATE = 50
LEASE_SECONDS = 6.0  # the default of SOCKET_LEASE_SECONDS
Gaps = dict[tuple[str, str], list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=40, help="how often each is done")
    return asyncio.run(_measure(parser.parse_args().times))


async def _measure(times: int) -> int:
    directory = Path(tempfile.mkdtemp(prefix="anchorbolt-socket-"))
    print(f"{commit()}, {machine(directory)}", flush=True)
    server = PostgreSQL(directory / "postgresql", fsync=True)
    server.start()
    found: Gaps = defaultdict(list)
    problems: list[str] = []
    try:
        for connections in ("single", "all"):
            place = directory / connections
            place.mkdir()
            problems += await _gaps(connections, times, server, place, found)
    finally:
        server.stop()
    _print(found)
    print("\n".join(problems) or "every promise was kept", f"(logs: {directory})")
    return 1 if problems else 0


async def _gaps(connections: str, times: int, server: PostgreSQL, directory: Path, found: Gaps) -> list[str]:
    own: dict[str, Any] = {"LEASE_SECONDS": 15, "SOCKET_LEASE_SECONDS": LEASE_SECONDS, "SOCKET_SILENT_SECONDS": 6}
    async with socket_run(directory, server, connections, rate=RATE, LOG_LEVEL="INFO", **own) as run:
        for what, do in (("a kill", run.faults.kill), ("a rollout", run.roll)):
            for number in range(times):
                pod = await run.leader() if run.single else run.pods.pods[number % len(run.pods.pods)]
                began = time.time()
                await do(pod)
                gap = await gap_of(run, began)
                # The retries are shorter than Slack's: an event that met two gaps would be given up.
                await until(lambda: all(sent.acked for sent in run.traffic.sent[-1000:-RATE]), what="all acknowledged")
                found[connections, what].append(gap)
                print(f"{connections}, {what}, {number + 1} of {times}: {gap:.2f} s", flush=True)
        return await run.problems()


def _print(found: Gaps) -> None:
    table = Table(title=f"Seconds for which no event was acknowledged at its first try; {RATE} events a second")
    for heading in ("SOCKET_CONNECTIONS", "after", "times", "median", "p99", "worst", "lease + 2 s"):
        table.add_column(heading, justify="right" if heading in ("times", "median", "p99", "worst") else "left")
    for (connections, what), gaps in found.items():
        ordered = sorted(gaps)
        p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
        kept = ("kept" if p99 < LEASE_SECONDS + 2 else "broken") if connections == "single" else ""
        table.add_row(
            connections, what, str(len(gaps)), *(f"{it:.2f}" for it in (median(gaps), p99, ordered[-1])), kept
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
