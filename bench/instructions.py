"""Instructions a delivery, counted by callgrind: the same on a busy machine as on a quiet one, so that a cut shows.

python -m bench.instructions sqlite bolt-async          about a minute a server
python -m bench.instructions sqlite --kind command --listeners 200
python -m bench.instructions sqlite --setting TOKEN_KEYS=$(openssl rand -base64 32)

Only what the server's process does outside of the kernel: a call to the disk or the network counts for nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from bench.listeners.plan import Kind, plan, targets
from bench.load.client import Client
from bench.load.prepare import prepare
from bench.load.web_api import WebApi
from bench.processes import ServerProcess
from bench.scratch import scratch
from bench.variants import ALL, BOLT_NODE, OURS, Launch, Launcher, Variant

CONNECTIONS = 32
WARM = 300
# Callgrind is fifty times slower than the processor: nothing may run into a deadline.
UNHURRIED = {"LEASE_SECONDS": "600", "ACK_DEADLINE_SECONDS": "2.99"}
TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


async def count(  # noqa: PLR0917 - what is counted, and where
    variant: Variant,
    listeners: int,
    kind: Kind,
    deliveries: int,
    directory: Path,
    settings: Mapping[str, str],
    connections: int = CONNECTIONS,
) -> float:
    """Instructions of one delivery, in thousands. `settings`: of the server, beside those that it needs."""
    launcher, web_api, out = Launcher(directory, 0), WebApi(), directory / f"{variant.name}.callgrind"
    await web_api.start()
    launch = launcher.launch(variant, listeners, kind, web_api.url)
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", *_worker(launch)]
    environment = launch.environment | UNHURRIED | {"PYTHONHASHSEED": "0", **settings}
    server = ServerProcess(command, environment, directory / "log", max(os.sched_getaffinity(0)))
    names = targets(plan(listeners, kind), kind)
    try:
        await server.answers(launch.ready_port, launch.ready_path, within_seconds=120)
        await Client(launch.port, prepare(kind, names, 1, WARM), 1).closed_loop(connections, 120)
        await _all_ended(web_api, WARM)
        await _switch(server.pid, "on", environment)
        outcome = await Client(launch.port, prepare(kind, names, 10_000, deliveries), 10_000).closed_loop(
            connections, 240
        )
        await _all_ended(web_api, WARM + len(outcome.accepted))
        await _switch(server.pid, "off", environment)
    finally:
        await server.stop()
        launcher.close()
        await web_api.stop()
    if len(outcome.accepted) < deliveries:
        print(f"{variant.name}: only {len(outcome.accepted)} of {deliveries} were accepted: {dict(outcome.statuses)}")
    return max(int(total) for total in TOTAL.findall(out.read_text())) / max(len(outcome.accepted), 1) / 1_000


def _worker(launch: Launch) -> Sequence[str]:
    """The app without the process above it, which callgrind would count too."""
    if list(launch.command[-2:]) != ["anchorbolt", "serve"]:
        return launch.command
    return [sys.executable, "-m", "bench.worker"]


async def _all_ended(web_api: WebApi, jobs: int) -> None:
    for _ in range(2_400):
        if len(web_api.ended) >= jobs:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)  # what is written after the call counts too


async def _switch(pid: int, to: str, environment: Mapping[str, str]) -> None:
    # Valgrind names its pipe after HOST and USER as the server has them.
    command = ["callgrind_control", "-i", to, str(pid)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, env={**os.environ, **environment})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    countable = [variant.name for variant in ALL if variant != BOLT_NODE]
    parser.add_argument("variants", nargs="*", choices=countable, default=["sqlite", "bolt-async"])
    parser.add_argument("--listeners", type=int, choices=[1, 20, 200], default=20)
    parser.add_argument("--kind", choices=["event", "command"], default="event")
    parser.add_argument("--deliveries", type=int, default=1_000)
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="of the server")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="fewer, where others use the machine too")
    options = parser.parse_args()
    settings = dict(setting.split("=", 1) for setting in options.setting)
    found: dict[str, float] = {}
    for variant in ALL:
        if variant.name in options.variants:
            with scratch("instructions") as directory:
                found[variant.name] = uvloop.run(
                    count(
                        variant,
                        options.listeners,
                        options.kind,
                        options.deliveries,
                        directory,
                        settings,
                        options.connections,
                    )
                )
            print(f"{variant.label:<24}{found[variant.name]:>9,.0f} thousand instructions a delivery", flush=True)
    for ours in OURS:
        if ours.name in found and "bolt-async" in found:
            print(f"{ours.label}: {found['bolt-async'] / found[ours.name]:.2f} x fewer than Bolt-py")


if __name__ == "__main__":
    main()
