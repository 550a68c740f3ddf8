"""Where the time goes: runs one variant at its peak under py-spy and splits its CPU by the part that spends it.

python -m bench.profile sqlite --listeners 20 --kind event
python -m bench.profile sqlite --rate 8000            at a load that it cannot take
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench.listeners.plan import plan, targets
from bench.load.client import Client
from bench.load.prepare import prepare
from bench.load.web_api import WebApi
from bench.measure import CONNECTIONS
from bench.processes import ServerProcess
from bench.scratch import scratch
from bench.variants import ALL, Launcher

# The first part of which a frame's file is one, from the innermost frame outwards: json.loads counts for its caller.
PARTS = (
    ("listener", ("bench/listeners",)),
    ("Web API call (slack_sdk, aiohttp)", ("slack_sdk/", "aiohttp/", "yarl/", "multidict/")),
    ("inbox: database driver and SQLAlchemy", ("sqlalchemy/", "aiosqlite/", "asyncpg/", "sqlite3/")),
    ("inbox: ours", ("app/anchorbolt/inbox",)),
    ("telemetry", ("opentelemetry/", "app/anchorbolt/telemetry", "structlog/", "prometheus_client/")),
    ("Bolt", ("slack_bolt/",)),
    ("Bolt: ours", ("app/anchorbolt/bolt",)),
    ("worker", ("app/anchorbolt/worker",)),
    (
        "http, socket_mode, intake, delivery",
        (
            "app/anchorbolt/http",
            "app/anchorbolt/socket_mode",
            "app/anchorbolt/intake",
            "app/anchorbolt/delivery",
            "app/anchorbolt/lifecycle",
            "app/anchorbolt/main",
            "bench/peers",
        ),
    ),
    ("FastAPI, Starlette", ("fastapi/", "starlette/")),
    ("uvicorn", ("uvicorn/", "gunicorn/")),
)
OTHER = "event loop, sockets and the rest"
LOOP = "asyncio/runners.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=[variant.name for variant in ALL if variant.name != "bolt-js"])
    parser.add_argument("--listeners", type=int, choices=[1, 20, 200], default=20)
    parser.add_argument("--kind", choices=["event", "command"], default="event")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rate", type=int, help="requests a second, whatever the server does (else: its peak)")
    parser.add_argument("--top", type=int, default=40)
    options = parser.parse_args()
    profiler = [found] if (found := shutil.which("py-spy")) else ["uvx", "py-spy"]
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with scratch("profile") as directory:
        rate, stacks = uvloop.run(_profile(options, directory, profiler, cores[0], cores[-1]))
    _print(rate, stacks, options.top)


async def _profile(
    options: argparse.Namespace, directory: Path, profiler: list[str], server_core: int, load_core: int
) -> tuple[float, list[tuple[list[str], int]]]:
    variant = next(variant for variant in ALL if variant.name == options.variant)
    launcher, web_api, raw = Launcher(directory, load_core), WebApi(), directory / "stacks"
    await web_api.start()
    launch = launcher.launch(variant, options.listeners, options.kind, web_api.url)
    server = ServerProcess(launch.command, launch.environment, directory / "log", server_core)
    names = targets(plan(options.listeners, options.kind), options.kind)
    try:
        await server.answers(launch.ready_port, launch.ready_path)
        warm = prepare(options.kind, names, 1, 3_000)
        await Client(launch.port, warm, 1).closed_loop(CONNECTIONS, 3)
        await asyncio.sleep(1)
        requests = prepare(options.kind, names, 10_000, (options.rate or 6_000) * options.seconds)
        record = [
            *profiler,
            "record",
            "--nonblocking",
            "--function",
            "--full-filenames",  # else a file is named by what makes it unique, which may be no folder
            "--pid",
            str(server.pid),
            "--subprocesses",
            "--format",
            "raw",
            "--rate",
            "250",
        ]
        recorder = await asyncio.create_subprocess_exec(
            *record, "--duration", str(options.seconds - 1), "--output", str(raw), stdout=sys.stderr
        )
        client = Client(launch.port, requests, 10_000)
        if options.rate:
            outcome = await client.open_loop(options.rate, options.rate)
        else:
            outcome = await client.closed_loop(CONNECTIONS, options.seconds)
        await recorder.wait()
    finally:
        await server.stop()
        launcher.close()
        await web_api.stop()
    answered = len(outcome.accepted) / (outcome.last_answer_at - outcome.started_at)
    stacks = [line.rpartition(" ") for line in raw.read_text().splitlines()]
    return answered, [(stack.split(";"), int(count)) for stack, _, count in stacks]


def _part(stack: list[str]) -> str:
    if LOOP in stack[-1]:
        return OTHER  # in the loop itself, whoever started it
    for frame in reversed(stack):
        for part, places in PARTS:
            if any(place in frame for place in places):
                return part
    return OTHER


def _print(rate: float, stacks: list[tuple[list[str], int]], top: int) -> None:
    total = sum(count for _, count in stacks)
    parts: Counter[str] = Counter()
    own: Counter[str] = Counter()
    for stack, count in stacks:
        parts[_part(stack)] += count
        own[stack[-1]] += count
    console = Console(width=150)
    console.print(f"{rate:,.0f} accepted/s while profiled; {total} samples")
    for title, counted in (("By part", parts), ("By function, its own time", own)):
        table = Table("share", "where", title=title)
        for where, count in counted.most_common(top):
            table.add_row(f"{count / total:.1%}", where)
        console.print(table)


if __name__ == "__main__":
    main()
