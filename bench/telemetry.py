"""What telemetry costs a delivery: metrics alone, with traces at 0, 10 and 100 %, and with a collector that is away.

python -m bench.telemetry --rounds 10
python -m bench.telemetry --instructions    about a minute a mode; on a machine that does other work, too

A server a mode, all at once on one core, loaded in turn for some seconds each: what else the machine does disturbs all
of them alike, so that their ratios hold where their rates do not. The first round warms them, and is left out. Each is
compared with an app that counts nothing (bench/listeners/uncounted.py).

`--instructions` counts the instructions of an event by callgrind instead, one server after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import uvloop
from rich.console import Console
from rich.table import Table

from bench.instructions import count
from bench.listeners.plan import plan, targets
from bench.load.client import Client
from bench.load.prepare import prepare
from bench.load.web_api import WebApi
from bench.processes import ServerProcess, end_well, two_cores
from bench.scratch import scratch
from bench.variants import ALL, ROOT, Launcher
from tests.support.ports import free_port

LISTENERS = 20
CONNECTIONS = 32
# More than a server can take in a second.
MOST_EVENTS = 5_000
# At 10 % their spans fill a batch. Callgrind is fifty times slower than the processor: nothing shall be sent because
# time has passed.
COUNTED_EVENTS = 1_800
COUNTED_DELAYS = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
# What is not sent with a full batch is sent after so long; a turn is longer by that, so that it counts for its mode.
DELAY_SECONDS = 0.5


@dataclass
class Mode:
    """One way to run the app, by OpenTelemetry's own variables; what came of it, a value a round."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    lost: int = 0
    memory_mib: float = 0
    ready_seconds: float = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2, help="for each mode in a round")
    parser.add_argument("--variant", choices=["sqlite", "memory", "postgres"], default="memory")
    parser.add_argument("--instructions", action="store_true", help="count them, instead of taking the time")
    parser.add_argument(
        "--connections", type=int, default=CONNECTIONS, help="fewer, where others use the machine too (--instructions)"
    )
    options = parser.parse_args()
    end_well()
    cores = two_cores()
    port = free_port()
    collector = subprocess.Popen([sys.executable, "-m", "bench.collector", str(port)], cwd=ROOT)
    asked = modes(f"http://127.0.0.1:{port}")
    try:
        if options.instructions:
            _count(options, asked)
            return
        with scratch("bench") as directory:
            uvloop.run(_measure(options, directory, cores, asked))
    finally:
        collector.terminate()
        collector.wait()
    _print(asked)


def _count(options: argparse.Namespace, asked: list[Mode]) -> None:
    variant = next(variant for variant in ALL if variant.name == options.variant)
    base = 0.0
    for mode in asked[:5]:  # what the others do is a matter of time
        with scratch("instructions") as directory:
            settings = mode.environment | COUNTED_DELAYS
            found = uvloop.run(
                count(variant, LISTENERS, "event", COUNTED_EVENTS, directory, settings, options.connections)
            )
        base = base or found
        print(f"{mode.name:<24}{found:>9,.0f} thousand instructions an event, {found / base - 1:+.1%}", flush=True)


def modes(collector: str) -> list[Mode]:
    """The first one is what the others are compared with."""
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}

    for exporter in (there, away):
        exporter["OTEL_BSP_SCHEDULE_DELAY"] = str(round(DELAY_SECONDS * 1000))

    def at(ratio: str) -> dict[str, str]:
        return {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}

    return [
        Mode("nothing is counted", {"LISTENERS": "bench.listeners.uncounted"}),
        Mode("traces off"),
        Mode("traces at 0 %", there | at("0")),
        Mode("traces at 10 %", there | at("0.1")),
        Mode("traces at 100 %", there),
        Mode("at 10 %, collector away", away | at("0.1")),
        Mode("metrics by OTLP only", there | {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRIC_EXPORT_INTERVAL": "1000"}),
    ]


class Loaded:
    """One running server."""

    def __init__(self, mode: Mode, server: ServerProcess, port: int, web_api: WebApi) -> None:
        self.mode = mode
        self.server = server
        self._port = port
        self._web_api = web_api
        self._names = targets(plan(LISTENERS, "event"), "event")

    async def take(self, first: int, count: int, seconds: float) -> tuple[float, float]:
        """As many events as it can within `seconds`: how many a second, and the CPU of each in microseconds."""
        self._web_api.ended.clear()
        client, before = Client(self._port, prepare("event", self._names, first, count), first), self._cpu_seconds()
        outcome = await client.closed_loop(CONNECTIONS, seconds)
        give_up_at = time.perf_counter() + 10
        while not outcome.accepted <= self._web_api.ended and time.perf_counter() < give_up_at:  # noqa: ASYNC110 - polls
            await asyncio.sleep(0.01)
        await asyncio.sleep(2 * DELAY_SECONDS)
        ended = len(self._web_api.ended)
        self.mode.lost += len(outcome.accepted - self._web_api.ended)
        elapsed = max(outcome.last_answer_at, self._web_api.last_at) - outcome.started_at
        return ended / elapsed, 1e6 * (self._cpu_seconds() - before) / ended

    def _cpu_seconds(self) -> float:
        spent = self.server.cpu()
        return spent.user + spent.system


async def _measure(options: argparse.Namespace, directory: Path, cores: list[int], asked: list[Mode]) -> None:
    variant = next(variant for variant in ALL if variant.name == options.variant)
    launcher, web_api, first = Launcher(directory, cores[1]), WebApi(), 1
    await web_api.start()
    running: list[Loaded] = []
    try:
        for number, mode in enumerate(asked):
            launch = launcher.launch(variant, LISTENERS, "event", web_api.url)
            server = ServerProcess(
                launch.command, launch.environment | mode.environment, directory / f"{number}.log", cores[0]
            )
            running.append(Loaded(mode, server, launch.port, web_api))
            mode.ready_seconds = await server.answers(launch.ready_port, launch.ready_path)
            mode.memory_mib = server.memory_mib()
        count = int(MOST_EVENTS * options.seconds)
        for number in range(options.rounds + 1):
            # Forwards and backwards: whose turn is the first gains nothing.
            for one in running if number % 2 == 0 else reversed(running):
                rate, cpu_us = await one.take(first, count, options.seconds)
                first += count
                if number > 0:
                    one.mode.rates.append(rate)
                    one.mode.cpu_us.append(cpu_us)
            if number > 0:
                told = ", ".join(f"{one.mode.name} {one.mode.cpu_us[-1]:.0f}" for one in running)
                print(f"round {number}: CPU us an event: {told}", flush=True)
    finally:
        for one in running:
            await one.server.stop()
        launcher.close()
        await web_api.stop()


def _print(asked: list[Mode]) -> None:
    base = asked[0]
    table = Table(title=f"Events, {LISTENERS} listeners, each with one Web API call: medians of the rounds")
    for heading in ("", "events/s", "CPU us", "more CPU, round by round", "lost", "MiB at rest", "ready s"):
        table.add_column(heading, justify="left" if not heading else "right")
    for mode in asked:
        pairs = [mine / theirs - 1 for mine, theirs in zip(mode.cpu_us, base.cpu_us, strict=True)]
        table.add_row(
            mode.name,
            f"{median(mode.rates):,.0f}",
            f"{median(mode.cpu_us):,.0f}",
            "" if mode is base else f"{median(pairs):+.1%} ({min(pairs):+.1%} to {max(pairs):+.1%})",
            str(mode.lost),
            f"{mode.memory_mib:.0f}",
            f"{mode.ready_seconds:.2f}",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
