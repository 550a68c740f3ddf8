"""`python -m bench.abuse`: what each refused request costs, beside plain uvicorn + FastAPI + HMAC.

Everything that somebody without the signing secret can send (bench/load/abuse.py), to this app and to the floor under
any app on FastAPI, in turns, each alone on one core. CPU is that of all threads (`schedstat`), memory the growth of the
peak. Takes a minute and a half. `--record NAME` keeps the result as bench/results/abuse-NAME.json.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.hostile import cpu, family, memory
from bench.load.abuse import PROBES, Shape, shapes
from bench.load.web_api import WebApi
from bench.machine import commit, machine, versions
from bench.processes import ServerProcess, end_well
from bench.report import record
from bench.scratch import scratch
from bench.variants import FASTAPI, OURS_SQLITE, Launch, Launcher

VARIANTS = (OURS_SQLITE, FASTAPI)

Row = dict[str, Any]


class Target:
    """A server under attack."""

    def __init__(self, launch: Launch, log: Path, core: int) -> None:
        self._launch = launch
        self._server = ServerProcess(launch.command, launch.environment, log, core)

    async def measure(self, shape: Shape) -> Row:
        """Attacks it; what that cost."""
        pids = family(self._server.pid)
        forget_peaks(pids)
        spent, grown = cpu(pids), memory(pids)
        sent = await asyncio.to_thread(shape.attack, self._launch.port)
        spent, grown = cpu(pids) - spent, memory(pids) - grown
        row: Row = {
            "units": sent.units,
            "bytes": sent.bytes,
            "answers": dict(sent.answers),
            "cpu_us_a_unit": spent / sent.units,
            "cpu_ns_a_byte": spent * 1_000 / sent.bytes if sent.bytes else None,
            "mib": grown,
        }
        if sent.held is not None:
            row |= {"held": sent.held, "probes_answered": len(sent.probes), "probe_ms": max(sent.probes, default=None)}
        return row

    async def start(self) -> None:
        """Waits until it answers."""
        await self._server.answers(self._launch.ready_port, self._launch.ready_path)

    async def stop(self) -> None:
        """Ends it."""
        await self._server.stop()


def forget_peaks(pids: list[int]) -> None:
    """The peak of their memory begins anew: https://docs.kernel.org/filesystems/proc.html, clear_refs."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


async def measured(directory: Path, cores: list[int]) -> dict[str, dict[str, Row]]:
    """Each shape, on both."""
    launcher, web_api, began = Launcher(directory, cores[-1]), WebApi(), time.monotonic()
    await web_api.start()

    @asynccontextmanager
    async def running() -> AsyncIterator[list[Target]]:
        launches = [(one.name, launcher.launch(one, 20, "event", web_api.url)) for one in VARIANTS]
        targets = [Target(launch, directory / f"{name}-{launch.port}.log", cores[0]) for name, launch in launches]
        try:
            await asyncio.gather(*(target.start() for target in targets))
            yield targets
        finally:
            await asyncio.gather(*(target.stop() for target in targets))

    async def attack(targets: list[Target], shape: Shape) -> dict[str, Row]:
        found = {}
        for variant, target in zip(VARIANTS, targets, strict=True):
            found[variant.name] = await target.measure(shape)
            print(f"{time.monotonic() - began:6.1f} s  {shape.name:45} {variant.name}", flush=True)
        return found

    every, found = shapes(), {}
    async with running() as targets:
        for shape in (one for one in every if not one.fresh):
            found[shape.name] = await attack(targets, shape)
    for shape in (one for one in every if one.fresh):
        async with running() as targets:
            found[shape.name] = await attack(targets, shape)
    await web_api.stop()
    return found


def print_table(found: dict[str, dict[str, Row]]) -> None:
    table = Table(title="Each column: Anchorbolt on SQLite / FastAPI + HMAC")
    for heading in ("shape", "answers", "CPU us a request", "ratio", "CPU ns a byte", "memory MiB", "signed meanwhile"):
        table.add_column(heading, justify="left" if heading in ("shape", "answers") else "right")
    for name, rows in found.items():
        ours, theirs = (rows[variant.name] for variant in VARIANTS)
        table.add_row(
            name,
            f"{_answers(ours)} / {_answers(theirs)}",
            f"{ours['cpu_us_a_unit']:,.0f} / {theirs['cpu_us_a_unit']:,.0f}",
            f"{ours['cpu_us_a_unit'] / theirs['cpu_us_a_unit']:.2f}",
            f"{ours['cpu_ns_a_byte']:.1f} / {theirs['cpu_ns_a_byte']:.1f}" if ours["bytes"] else "",
            f"{ours['mib']:.1f} / {theirs['mib']:.1f}",
            f"{_meanwhile(ours)} / {_meanwhile(theirs)}" if "held" in ours else "",
        )
    Console(width=180).print(table)


def _answers(row: Row) -> str:
    if "held" in row:
        return f"{row['held']} open"
    return ", ".join(f"{status} x {count}" for status, count in row["answers"].items()) or "none"


def _meanwhile(row: Row) -> str:
    longest = "" if row["probe_ms"] is None else f" in {row['probe_ms']:.0f} ms"
    return f"{row['probes_answered']} of {PROBES}{longest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", metavar="NAME")
    options = parser.parse_args()
    end_well()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with scratch("abuse") as directory:
        about = {"commit": commit(), "machine": machine(directory), "versions": versions()}
        found = asyncio.run(measured(directory, cores))
    print_table(found)
    if options.record:
        record(f"abuse-{options.record}", {**about, "shapes": found})


if __name__ == "__main__":
    main()
