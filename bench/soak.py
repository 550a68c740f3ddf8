"""`python -m bench.soak`: a steady stream for a long time. Memory, table sizes and p99 must stay where they were.

Two processes of the app on one PostgreSQL (fsync on), 200 events a second for 30 minutes, rows kept for a minute.
Prints a line a minute; fails when the last third is worse than the first by more than the bounds below.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from bench.processes import memory_mib
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL, migrate

CONVERSATIONS = 500
RETENTION_SECONDS = 60
# What the last third may have more than the first (after the first minutes, in which everything fills up).
MEMORY_FACTOR = 1.1
TABLES_FACTOR = 1.5
SIZES = """
SELECT pg_total_relation_size('delivery') / 1048576.0, pg_total_relation_size('lane') / 1048576.0,
    (SELECT count(*) FROM delivery), (SELECT count(*) FROM lane)
"""


@dataclass
class Slice:
    """What one slice of the soak looked like."""

    seconds: int
    sent: int
    failed: int
    p50_ms: float
    p99_ms: float
    memory_mib: float
    delivery_mib: float
    lane_mib: float
    rows: int
    lanes: int


async def soak(rate: float, minutes: float, slice_seconds: float) -> list[Slice]:
    directory = Path(tempfile.mkdtemp(prefix="anchorbolt-soak-"))
    server = PostgreSQL(directory / "postgresql", fsync=True)
    server.start()
    try:
        url = server.new_database()
        await migrate(url)
        settings: dict[str, object] = {
            "RETENTION_HOURS": RETENTION_SECONDS / 3600,
            "LEASE_SECONDS": 15,
            "LOG_LEVEL": "WARNING",
        }
        async with Pods(directory, url, 2, each=[settings, settings]) as pods, client(keep_alive=True) as http:
            players = [Player(http, pod.app.url, EMULATOR_SECRET) for pod in pods.pods]
            found: list[Slice] = []
            began, n = time.monotonic(), 0
            while time.monotonic() - began < minutes * 60:
                slice_ends = time.monotonic() + slice_seconds
                latencies: list[float] = []
                failed = 0

                async def send(number: int) -> None:
                    nonlocal failed
                    lane = number % CONVERSATIONS
                    scene = Scene(channel_id=f"C{lane}", thread_ts=f"1.{lane:06d}", text="work=0.01")
                    ack = await players[lane % 2].send(make("app_mention", scene))
                    latencies.append(ack.ack_ms)  # noqa: B023 - the slice's own, and awaited in it
                    failed += not ack.ok

                async with asyncio.TaskGroup() as group:
                    due = time.monotonic()
                    while due < slice_ends:
                        group.create_task(send(n))
                        n, due = n + 1, due + 1 / rate
                        await asyncio.sleep(max(0, due - time.monotonic()))
                sizes = await asyncio.to_thread(server.query, url.rpartition("/")[2], SIZES)
                delivery, lane, rows, lanes = sizes.strip().split("|")
                latencies.sort()
                found.append(
                    Slice(
                        round(time.monotonic() - began),
                        len(latencies),
                        failed,
                        round(statistics.median(latencies), 1),
                        round(latencies[int(len(latencies) * 0.99)], 1),
                        round(sum(memory_mib(pod.app.pid) for pod in pods.pods), 1),
                        round(float(delivery), 1),
                        round(float(lane), 1),
                        int(rows),
                        int(lanes),
                    )
                )
                print(json.dumps(asdict(found[-1])), flush=True)
            return found
    finally:
        server.stop()


def problems(found: list[Slice]) -> list[str]:
    """What grew from the second third to the last one: the first one fills up."""
    third = len(found) // 3
    before, after = found[third : 2 * third], found[2 * third :]
    if not before:
        return ["too short to say anything"]
    grew = []
    for name, factor in (("memory_mib", MEMORY_FACTOR), ("delivery_mib", TABLES_FACTOR), ("lane_mib", TABLES_FACTOR)):
        was, is_ = (statistics.median(getattr(one, name) for one in part) for part in (before, after))
        if is_ > was * factor + 1:
            grew.append(f"{name}: {was:.1f} -> {is_:.1f}")
    return grew


async def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=float, default=200)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--slice", type=float, default=60, help="seconds a line")
    asked = arguments.parse_args()
    found = await soak(asked.rate, asked.minutes, asked.slice)
    grew = problems(found)
    print("grew: " + "; ".join(grew) if grew else "memory and tables are where they were")
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
