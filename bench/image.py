"""`python -m bench.image ROOT`: from start to ready and memory at rest in the image, on one core, as the image's user.

Needs root. ROOT is the file system of an image, for example from `buildah mount`, with the modules of `--listeners`.
`--without-bytecode` first takes the standard library's bytecode out of it, which Docker's official Python images do not
have either: give it a copy.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ServerProcess, end_well, memory
from bench.rest import NOBODY, REST_SECONDS
from bench.scratch import scratch
from bench.variants import OURS_MEMORY, OURS_POSTGRES, Launcher
from tests.support.ports import free_port

ENVIRONMENT = {
    "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/app",  # the image's working directory, which chroot leaves
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/",  # as container runtimes set it for a user without a name
    "HOST": "127.0.0.1",
    "SLACK_SIGNING_SECRET": "for-the-bench",
    "SLACK_BOT_TOKEN": "xoxb-for-the-bench",
    "SLACK_API_URL": NOBODY,
}


@dataclass(frozen=True)
class Start:
    """What one start took, and what the pod holds at rest."""

    ready_seconds: float
    cpu_seconds: float
    memory_mib: float


async def start(root: Path, listeners: str, database_url: str, core: int, log: Path) -> Start:
    """Starts it, lets it rest, reads it, ends it."""
    port = free_port()
    own = ENVIRONMENT | {
        "LISTENERS": listeners,
        "DATABASE_URL": database_url,
        "PORT": str(free_port()),
        "INTERNAL_PORT": str(port),
    }
    given = [f"{name}={value}" for name, value in own.items()]
    command = ["chroot", "--userspec=10001:10001", str(root), "/usr/bin/env", "-i", *given]
    server = ServerProcess([*command, "anchorbolt", "serve"], {}, log, core)
    try:
        ready = await server.answers(port, "/readyz")
        cpu = server.cpu().total
        await asyncio.sleep(REST_SECONDS)
        return Start(ready, cpu, memory(server.pid).total_mib)
    finally:
        await server.stop()


def main() -> None:
    """Starts it some times, and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--listeners", default="anchorbolt_sample")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-bytecode", action="store_true")
    options = parser.parse_args()
    if options.without_bytecode:
        for place in options.root.glob("usr/**/python3.*/**/__pycache__"):
            shutil.rmtree(place)
    end_well()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    with scratch("image") as directory, closing(Launcher(directory, cores[0])) as launcher:
        for variant in (OURS_MEMORY, OURS_POSTGRES):
            url = launcher.launch(variant, 20, "event", NOBODY).environment["DATABASE_URL"]
            measured = [
                asyncio.run(start(options.root, options.listeners, url, cores[-1], directory / "log"))
                for _ in range(options.rounds + 1)
            ][1:]  # the first reads all from the disk
            ready = [one.ready_seconds for one in measured]
            sys.stdout.write(
                f"{variant.label}: "
                f"start to ready {statistics.median(ready):.2f} s (worst of {len(ready)}: {max(ready):.2f}), "
                f"CPU {statistics.median(one.cpu_seconds for one in measured):.2f} s, "
                f"memory at rest {statistics.median(one.memory_mib for one in measured):.1f} MiB\n"
            )


if __name__ == "__main__":
    main()
