"""`python -m bench.image ROOT`: from start to ready in the image, on one core, as the image's user. Needs root.

ROOT is the image's file system, for example from `buildah mount`. `--without-bytecode` first takes the standard
library's bytecode out of it, which Docker's official Python images do not have either: give it a copy.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from bench.processes import ServerProcess, end_well
from tests.support.ports import free_port

ENVIRONMENT = {
    "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/app",  # the image's working directory, which chroot leaves
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/",  # as container runtimes set it for a user without a name
    "HOST": "127.0.0.1",
    "DATABASE_URL": "sqlite+aiosqlite://",
    "SLACK_SIGNING_SECRET": "for-the-bench",
    "SLACK_BOT_TOKEN": "xoxb-for-the-bench",
    "SLACK_API_URL": "http://127.0.0.1:9/",
}


async def starts(root: Path, count: int, core: int, log: Path) -> tuple[list[float], list[float]]:
    """Seconds until ready and CPU seconds until then, of each start but the first, which reads all from the disk."""
    ready, cpu = [], []
    for _ in range(count + 1):
        port = free_port()
        own = ENVIRONMENT | {
            "DATABASE_URL": "sqlite+aiosqlite://",
            "PORT": str(free_port()),
            "INTERNAL_PORT": str(port),
        }
        given = [f"{name}={value}" for name, value in own.items()]
        command = ["chroot", "--userspec=10001:10001", str(root), "/usr/bin/env", "-i", *given]
        server = ServerProcess([*command, "anchorbolt", "serve"], {}, log, core)
        try:
            ready.append(await server.answers(port, "/readyz"))
            cpu.append(server.cpu().total)
        finally:
            await server.stop()
    return ready[1:], cpu[1:]


def main() -> None:
    """Starts it some times, and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--without-bytecode", action="store_true")
    options = parser.parse_args()
    if options.without_bytecode:
        for place in options.root.glob("usr/**/python3.*/**/__pycache__"):
            shutil.rmtree(place)
    end_well()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    with tempfile.TemporaryDirectory() as place:
        ready, cpu = asyncio.run(starts(options.root, options.rounds, cores[-1], Path(place) / "log"))
    sys.stdout.write(
        f"start to ready, s: median {statistics.median(ready):.2f}, worst {max(ready):.2f} of {len(ready)}; "
        f"CPU, s: median {statistics.median(cpu):.2f}\n"
    )


if __name__ == "__main__":
    main()
