"""What telemetry costs a delivery: traces off, at 10 %, at 100 %, and with a collector that is away; rounds in turn.

python -m bench.telemetry --rounds 5
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from bench.listeners.plan import Kind
from bench.measure import Bench, Cell, Times
from bench.processes import free_port
from bench.variants import ALL, ROOT, Launch, Launcher, Variant

LISTENERS = 20


@dataclass(frozen=True)
class Mode:
    """One way to run the app, by OpenTelemetry's own variables."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)


class TelemetryLauncher(Launcher):
    """Adds the variables of a mode to every launch."""

    mode = Mode("off")

    def launch(self, variant: Variant, listeners: int, kind: Kind, web_api_url: str) -> Launch:
        launch = super().launch(variant, listeners, kind, web_api_url)
        return replace(launch, environment=launch.environment | self.mode.environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--variant", choices=["sqlite", "memory", "postgres"], default="sqlite")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the load")
    os.sched_setaffinity(0, {cores[1]})
    port = free_port()
    collector = subprocess.Popen([sys.executable, "-m", "bench.collector", str(port)], cwd=ROOT)
    (ROOT / "var").mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "var") as place:
            directory = Path(place)
            directory.chmod(0o755)
            found = uvloop.run(_rounds(options, directory, cores, modes(f"http://127.0.0.1:{port}")))
    finally:
        collector.terminate()
        collector.wait()
    _print(found)


def modes(collector: str) -> list[Mode]:
    """The first one is what the others are compared with."""
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}
    return [
        Mode("traces off"),
        Mode("traces at 10 %", there | ratio | {"OTEL_TRACES_SAMPLER_ARG": "0.1"}),
        Mode("traces at 100 %", there),
        Mode("at 10 %, collector away", away | ratio | {"OTEL_TRACES_SAMPLER_ARG": "0.1"}),
        Mode("metrics by OTLP only", there | {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRIC_EXPORT_INTERVAL": "1000"}),
    ]


async def _rounds(
    options: argparse.Namespace, directory: Path, cores: list[int], asked: list[Mode]
) -> dict[str, list[dict[str, Any]]]:
    launcher = TelemetryLauncher(directory, cores[1])
    bench = Bench(launcher, directory, cores[0], Times(warm=1.5, peak=options.seconds, steady=0))
    variant = next(variant for variant in ALL if variant.name == options.variant)
    cell = Cell(variant, LISTENERS, "event", latencies=False)
    await bench.web_api.start()
    found: dict[str, list[dict[str, Any]]] = {mode.name: [] for mode in asked}
    try:
        for number in range(options.rounds):
            # Forwards and backwards: a machine that gets slower favours nobody.
            for mode in asked if number % 2 == 0 else reversed(asked):
                launcher.mode = mode
                result = await bench.cell(cell)
                found[mode.name].append(result)
                peak = result["peak"]
                print(f"round {number + 1}: {mode.name:<26}{peak['rate']:>8,.0f}/s  lost {peak['lost']}", flush=True)
    finally:
        launcher.close()
        await bench.web_api.stop()
    return found


def _print(found: dict[str, list[dict[str, Any]]]) -> None:
    base, *_ = found
    table = Table(title=f"Events, {LISTENERS} listeners, each with one Web API call: medians")
    for heading in ("", "events/s", "CPU us", "more CPU, pair by pair", "lost", "MiB at rest", "ready s"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, rounds in found.items():
        pairs = [_cpu(mine) / _cpu(theirs) - 1 for mine, theirs in zip(rounds, found[base], strict=True)]
        table.add_row(
            name,
            f"{median(one['peak']['rate'] for one in rounds):,.0f}",
            f"{median(map(_cpu, rounds)):,.0f}",
            "" if name == base else f"{median(pairs):+.1%} ({min(pairs):+.1%} to {max(pairs):+.1%})",
            str(sum(one["peak"]["lost"] for one in rounds)),
            f"{median(one['memory_at_rest_mib'] for one in rounds):.0f}",
            f"{median(one['ready_seconds'] for one in rounds):.2f}",
        )
    Console(width=140).print(table)


def _cpu(result: dict[str, Any]) -> float:
    """Of the server, microseconds an event: other load on the machine disturbs it less than a rate."""
    return float(sum(result["peak"]["cpu_us"].values()))


if __name__ == "__main__":
    main()
