"""Throughput and ack latency of this app beside its peers: interleaved rounds on one core, printed as ratios.

python -m bench.throughput --quick                  about 2 minutes
python -m bench.throughput --record NAME            the full run, kept as bench/results/NAME.json
python -m bench.throughput --only sqlite bolt-async --listeners 20 --kinds event --rounds 3

At its peak nearly every command ends before it is stored, because its call is answered at once (docs/decisions/0110).
With `--call-ms 100` every one is stored; the limit of events is then RUN_CONCURRENCY, and not the CPU.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.machine import commit, machine, versions
from bench.measure import Bench, Cell, Times
from bench.processes import end_well, two_cores
from bench.report import last_recorded, print_report, record
from bench.scratch import scratch
from bench.variants import ALL, Launcher

LATENCIES_AT = 20


def main() -> None:
    options = _options()
    end_well()
    cores = two_cores()
    with scratch("bench") as directory:
        results = uvloop.run(_rounds(options, directory, server_core=cores[0], load_core=cores[1]))
    previous = last_recorded()
    print_report(results, previous)
    if options.record:
        record(options.record, results)


async def _rounds(options: argparse.Namespace, directory: Path, server_core: int, load_core: int) -> dict[str, Any]:
    launcher = Launcher(directory, load_core)
    times = Times(warm=1.5, peak=1.5, steady=1.5) if options.quick else Times(warm=2, peak=4, steady=4)
    bench = Bench(launcher, directory, server_core, times, options.call_ms / 1000)
    await bench.web_api.start()
    results: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit(),
        "machine": machine(directory),
        "versions": versions(),
        "options": {
            "quick": options.quick,
            "rounds": options.rounds,
            "seconds": vars(times),
            "call_ms": options.call_ms,
        },
        "cells": [],
    }
    cells = _cells(options)
    found: dict[Cell, list[dict[str, Any]]] = {cell: [] for cell in cells}
    try:
        for number in range(options.rounds):
            for cell in cells:
                result = await bench.cell(cell)
                found[cell].append(result)
                peak = result["peak"]
                print(
                    f"round {number + 1}: {cell.variant.name:<11} {cell.kind:<8}{cell.listeners:>4} listeners "
                    f"{peak['rate']:>8,.0f}/s  lost {peak['lost']}",
                    flush=True,
                )
        if launcher.postgres:
            results["versions"]["postgresql"] = launcher.postgres.version()
    finally:
        launcher.close()
        await bench.web_api.stop()
    for cell, rounds in found.items():
        place = {"variant": cell.variant.name, "listeners": cell.listeners, "kind": cell.kind}
        results["cells"].append({**place, "rounds": rounds})
    return results


def _cells(options: argparse.Namespace) -> list[Cell]:
    """The cells of one round: the floors once a kind, since they have no listeners."""
    cells = []
    for kind in options.kinds:
        for listeners in options.listeners:
            for variant in ALL:
                if variant.name in options.only and (variant.listens or listeners == LATENCIES_AT):
                    cells.append(Cell(variant, listeners, kind, listeners == LATENCIES_AT and not options.peak_only))
    return cells


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="events at 20 listeners, short phases, 2 rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="+", choices=[variant.name for variant in ALL])
    parser.add_argument("--listeners", nargs="+", type=int, choices=[1, 20, 200])
    parser.add_argument("--kinds", nargs="+", choices=["event", "command"])
    parser.add_argument("--peak-only", action="store_true", help="no half and no double load")
    parser.add_argument(
        "--call-ms", type=float, default=0, help="how long a call of the Web API takes; Slack's take 100"
    )
    parser.add_argument("--record", metavar="NAME", help="keep the result as bench/results/NAME.json")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.only = options.only or [variant.name for variant in ALL]
    options.listeners = options.listeners or ([20] if options.quick else [1, 20, 200])
    options.kinds = options.kinds or (["event"] if options.quick else ["event", "command"])
    return options


if __name__ == "__main__":
    main()
