"""`python -m bench.chaos`: the long run of faults. Prints its counts; fails when a promise was broken.

Three processes of the app on one PostgreSQL (fsync on), signed events with Slack's retries, a SIGKILL every few
seconds, one process stopped for three leases, one cut off from the database for 10 s, the database restarted twice.
All on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.support.chaos.run import Plan, play
from tests.support.postgresql import PostgreSQL

LONG = Plan(
    events=2_000,
    conversations=100,
    rate=30,
    lease_seconds=5,
    kill_every_seconds=2,
    stop_at=10,
    cut_at=30,
    cut_seconds=10,
    restarts_at=(20, 48),
)


async def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=1)
    asked = arguments.parse_args()
    broken = 0
    for time_ in range(1, asked.times + 1):
        directory = Path(tempfile.mkdtemp(prefix="anchorbolt-chaos-"))
        server = PostgreSQL(directory / "postgresql", fsync=True)
        server.start()
        began = time.monotonic()
        try:
            report = await play(LONG, server, directory)
        finally:
            server.stop()
        problems = report.problems()
        broken += bool(problems)
        print(json.dumps({"run": time_, "seconds": round(time.monotonic() - began), **report.counts()}, indent=2))
        print("\n".join(problems) or "every promise was kept", f"(logs: {directory})", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
