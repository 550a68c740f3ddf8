"""`python -m bench.rest`: what a pod costs before its first request: from start to ready, and its memory at rest.

The app as in production (`anchorbolt serve`, a master and its worker) on one core, once for each store a round.
`--record NAME` keeps the result as bench/results/rest-NAME.json. `--beside CHECKOUT` starts another checkout, with a
virtual environment of its own, in turn with this one: what is claimed about times is the ratio of the two.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.machine import commit, machine, versions
from bench.processes import ServerProcess, end_well, memory
from bench.report import record
from bench.scratch import scratch
from bench.variants import OURS, Launcher, Variant

# The first stats, the first sweep and the first beats are over by then.
REST_SECONDS = 3.0
NOBODY = "http://127.0.0.1:9/"  # at rest, the Web API is not called


async def one(launcher: Launcher, variant: Variant, python: Path, directory: Path, core: int) -> dict[str, Any]:
    """Starts it with that Python, lets it rest, reads it, ends it."""
    launch = launcher.launch(variant, 20, "event", NOBODY)
    command = [str(python), *launch.command[1:]]
    server = ServerProcess(command, launch.environment, directory / f"{variant.name}.log", core)
    try:
        ready = await server.answers(launch.ready_port, launch.ready_path)
        cpu = server.cpu().total
        await asyncio.sleep(REST_SECONDS)
        at_rest = memory(server.pid)
        return {
            "ready_seconds": ready,
            "ready_cpu_seconds": cpu,
            "memory_mib": at_rest.total_mib,
            "master_mib": at_rest.first_mib,
            "worker_mib": at_rest.children_mib,
            "shared_mib": at_rest.shared_mib,
        }
    finally:
        await server.stop()


async def rounds(
    count: int, pythons: dict[str, Path], directory: Path, cores: list[int]
) -> dict[str, list[dict[str, Any]]]:
    """`pythons`: of each checkout, by what follows the label of its variants."""
    launcher = Launcher(directory, cores[-1])
    found: dict[str, list[dict[str, Any]]] = {variant.label + also: [] for variant in OURS for also in pythons}
    try:
        for number in range(count + 1):
            for variant in OURS:
                for also, python in pythons.items():
                    result = await one(launcher, variant, python, directory, cores[0])
                    if number:  # the first round reads all from the disk, and may compile
                        found[variant.label + also].append(result)
    finally:
        launcher.close()
    return found


def print_table(found: dict[str, list[dict[str, Any]]]) -> None:
    table = Table(title="A pod at rest, on one core: median ± half the spread")
    for heading in ("store", "ready after s", "CPU s", "memory MiB", "master's own", "worker's own", "shared"):
        table.add_column(heading, justify="left" if heading == "store" else "right")
    names = ("ready_seconds", "ready_cpu_seconds", "memory_mib", "master_mib", "worker_mib", "shared_mib")
    for label, rows in found.items():
        table.add_row(label, *(_spread([row[name] for row in rows]) for name in names))
    Console(width=120).print(table)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ±{(max(values) - min(values)) / 2:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--record", metavar="NAME")
    parser.add_argument("--beside", metavar="CHECKOUT", type=Path)
    options = parser.parse_args()
    end_well()
    pythons = {"": Path(sys.executable)}
    if options.beside:
        pythons[", the other checkout"] = options.beside / ".venv/bin/python"
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with scratch("rest") as directory:
        about = {"commit": commit(), "machine": machine(directory), "versions": versions()}
        found = asyncio.run(rounds(options.rounds, pythons, directory, cores))
    print_table(found)
    if options.record:
        record(f"rest-{options.record}", {**about, "rounds": found})


if __name__ == "__main__":
    main()
