"""What the two log lines of each delivery cost: LOG_DELIVERIES=all and none side by side, at a steady rate.

python -m bench.delivery_lines --rounds 5

Both servers are on one core and are loaded in turn, so that what else the machine does disturbs both alike. The first
round warms them, and is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import uvloop

from bench.listeners.plan import plan, targets
from bench.load.client import Client
from bench.load.prepare import prepare
from bench.load.web_api import WebApi
from bench.processes import ServerProcess, end_well, two_cores
from bench.scratch import scratch
from bench.variants import OURS_SQLITE, Launcher

LISTENERS = 20


@dataclass
class Loaded:
    """One running server, and its share of a core in each round."""

    setting: str
    server: ServerProcess
    port: int
    log: Path
    shares: list[float] = field(default_factory=list)


async def take(one: Loaded, web_api: WebApi, first: int, count: int, rate: float) -> float:
    """Sends so many events, so many a second. Returns the share of a core that the server took meanwhile."""
    web_api.ended.clear()
    names = targets(plan(LISTENERS, "event"), "event")
    client = Client(one.port, prepare("event", names, first, count), first)
    cpu, began = one.server.cpu(), time.perf_counter()
    outcome = await client.open_loop(rate, first)
    for _ in range(500):
        if outcome.accepted <= web_api.ended:
            break
        await asyncio.sleep(0.01)
    assert outcome.accepted <= web_api.ended, "an event was accepted and did not end"
    return (one.server.cpu() - cpu).total / (time.perf_counter() - began)


async def measure(options: argparse.Namespace, directory: Path, cores: list[int]) -> list[Loaded]:
    """Loads both servers in turn."""
    launcher, web_api, running = Launcher(directory, cores[1]), WebApi(), list[Loaded]()
    await web_api.start()
    count, first = int(options.rate * options.seconds), 1
    try:
        for setting in ("none", "all"):
            launch = launcher.launch(OURS_SQLITE, LISTENERS, "event", web_api.url)
            told = {"LOG_DELIVERIES": setting, "LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
            log = directory / f"{setting}.log"
            server = ServerProcess(launch.command, launch.environment | told, log, cores[0])
            running.append(Loaded(setting, server, launch.port, log))
            await server.answers(launch.ready_port, launch.ready_path)
        for number in range(options.rounds + 1):
            for one in running if number % 2 == 0 else reversed(running):
                share = await take(one, web_api, first, count, options.rate)
                first += count
                if number > 0:
                    one.shares.append(share)
    finally:
        for one in running:
            await one.server.stop()
        launcher.close()
        await web_api.stop()
    for one in running:
        lines = sum('"delivery ' in line for line in one.log.read_text(errors="replace").splitlines())
        print(f"LOG_DELIVERIES={one.setting}: {median(one.shares):.2%} of a core, {lines} lines of deliveries")
    return running


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="for each server in a round")
    parser.add_argument("--rate", type=float, default=100, help="events a second")
    options = parser.parse_args()
    end_well()
    cores = two_cores()
    with scratch("bench") as directory:
        without, with_lines = uvloop.run(measure(options, directory, cores))
    more = [mine - theirs for mine, theirs in zip(with_lines.shares, without.shares, strict=True)]
    ratio = median(with_lines.shares) / median(without.shares)
    print(f"more: {median(more):.2%} of a core ({min(more):.2%} to {max(more):.2%}), {ratio:.3f} times as much")


if __name__ == "__main__":
    main()
