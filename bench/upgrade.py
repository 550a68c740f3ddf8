"""`python -m bench.upgrade`: an upgrade with a change of the schema, and the way back, under load. Prints its counts.

Three processes of commit 7820936 on one PostgreSQL (fsync on) become three of this checkout, one after the other, with
`anchorbolt migrate` before the first, and go back to the old release afterwards, while signed events come in with
Slack's retries. A process of each release is killed while both are there. All on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.support.postgresql import PostgreSQL
from tests.support.upgrade.play import Upgrade
from tests.support.upgrade.releases import OLD_COMMIT, old_release


async def main() -> int:
    """Plays it. Returns 1 when a promise was broken or the history is not there."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=5, help="how long each state of the fleet lasts")
    arguments.add_argument("--rate", type=float, default=30, help="events a second")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="anchorbolt-upgrade-"))
    old = old_release(directory)
    if old is None:
        print(f"the history of this repository has no {OLD_COMMIT}: fetch it all first")
        return 1
    server = PostgreSQL(directory / "postgresql", fsync=True)
    server.start()
    try:
        report = await Upgrade(old, server, directory, asked.seconds, asked.rate).play()
    finally:
        server.stop()
    problems = report.problems()
    print(json.dumps(report.counts(), indent=2))
    print("\n".join(problems) or "every promise was kept", f"(logs: {directory})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
