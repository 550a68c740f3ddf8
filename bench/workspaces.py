"""Many workspaces beside one: python -m bench.workspaces [--quick] [--record NAME].

`share`: events a second, ack and memory of an app that is installed in 10,000 workspaces, each event of another one,
beside the same app in one workspace; in turns, on one core. The emulator of the Web API knows the token of each
workspace, and counts calls with another one.

`fairness`: a busy workspace sends 30,000 events an hour, more than the slots can take; how long the events of a quiet
one take from when they were due to the end of their listener, beside the same without the busy one.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.installed import install, installed, token, workspace
from bench.load.client import Client
from bench.load.prepare import REPLIES_AFTER, prepare
from bench.load.web_api import WebApi
from bench.machine import commit, machine, versions
from bench.processes import ServerProcess, end_well, two_cores
from bench.report import record
from bench.scratch import scratch
from bench.variants import OURS_POSTGRES, OURS_SQLITE, Launcher, Variant

CONNECTIONS = 64
SETTLE_SECONDS = 60.0
# Of the busy workspace: Slack sends no more (https://docs.slack.dev/apis/events-api/#rate-limiting).
EVENTS_AN_HOUR = 30_000
# Slots for 4 or 5 events a second; the busy workspace sends 8.3. With 8 slots a listener may have all of them, so that
# lanes wait for a claim. From 10 on it may have 8 of 10 (docs/decisions/0085), so that lanes wait for its limit.
SLOTS = {"claims": 8, "limit": 10}
WORK_SECONDS = 2.0
BUSY, QUIET = 0, 1
QUIET_EVERY_SECONDS = 1.0
# Jobs of the quiet workspace have numbers from here on.
QUIET_FROM = 500_000_000

_jobs = itertools.count(1)


class TimedApi(WebApi):
    """Knows when each job ended."""

    def __init__(self, token_of: Callable[[int], bytes]) -> None:
        super().__init__(token_of)
        self.ended_at: dict[int, float] = {}

    def count(self, job: int) -> None:
        super().count(job)
        self.ended_at.setdefault(job, time.perf_counter())


class Share:
    """One server under load of one workspace, or of many."""

    def __init__(self, server: ServerProcess, port: int, web_api: TimedApi, workspaces: int) -> None:
        self._server = server
        self._port = port
        self._web_api = web_api
        self._workspaces = workspaces
        web_api.token_of = lambda job: token(self._of(job))

    def _of(self, job: int) -> int:
        """The workspace of a job. A reply is of the workspace of its message."""
        return (job - REPLIES_AFTER if job % 4 == 3 else job) % self._workspaces

    async def run(self, seconds: float, rate: float | None) -> dict[str, Any]:
        """Reaches every workspace once, then the peak, then `rate` events a second (None: half of the peak)."""
        at_rest = self._server.memory_mib()
        await self._phase(self._workspaces + REPLIES_AFTER, None, 120)
        peak = await self._phase(int(4_000 * seconds), None, seconds)
        half = rate or peak["rate"] / 2
        steady = await self._phase(int(half * seconds), half, seconds)
        return {
            "peak": peak,
            "steady": steady,
            "memory_at_rest_mib": at_rest,
            "memory_after_mib": self._server.memory_mib(),
            "strangers": self._web_api.strangers,
        }

    async def _phase(self, count: int, rate: float | None, seconds: float) -> dict[str, Any]:
        first = next(_jobs)
        for _ in range(count):
            last = next(_jobs)
        requests = prepare("event", ["message"], first, last - first, lambda job: workspace(job % self._workspaces))
        client, before = Client(self._port, requests, first), self._server.cpu().total
        outcome = await (client.closed_loop(CONNECTIONS, seconds) if rate is None else client.open_loop(rate, first))
        await settle(self._web_api, outcome.accepted)
        ended = outcome.accepted & self._web_api.ended
        elapsed = max(self._web_api.last_at, outcome.last_answer_at) - outcome.started_at
        latencies = sorted(outcome.latencies)
        return {
            "rate": len(ended) / elapsed,
            "cpu_us": 1e6 * (self._server.cpu().total - before) / max(len(ended), 1),
            "lost": len(outcome.accepted - ended),
            "late": outcome.late,
            "ack_p50_ms": 1000 * quantile(latencies, 0.5),
            "ack_p99_ms": 1000 * quantile(latencies, 0.99),
        }


async def settle(web_api: WebApi, accepted: set[int]) -> None:
    """Waits until every accepted job has ended, or a minute."""
    until = time.perf_counter() + SETTLE_SECONDS
    while not accepted <= web_api.ended and time.perf_counter() < until:  # noqa: ASYNC110 - calls come by the thousand
        await asyncio.sleep(0.02)


async def fairness(port: int, web_api: TimedApi, seconds: float, *, busy: bool) -> dict[str, float]:
    """How long the quiet workspace's events take, with the busy one beside it or without."""
    first = next(_jobs)
    rate = EVENTS_AN_HOUR / 3600
    count = int(rate * seconds)
    for _ in range(count):
        next(_jobs)
    loud = prepare("event", ["message"], first, count, lambda _: workspace(BUSY))
    quiet_first = QUIET_FROM + first
    quiet = prepare("event", ["message"], quiet_first, int(seconds / QUIET_EVERY_SECONDS), lambda _: workspace(QUIET))
    web_api.token_of = lambda job: token(QUIET if job >= QUIET_FROM else BUSY)
    clients = [Client(port, quiet, quiet_first).open_loop(1 / QUIET_EVERY_SECONDS, quiet_first)]
    if busy:
        clients.append(Client(port, loud, first).open_loop(rate, first))
    outcome, *others = await asyncio.gather(*clients)
    await settle(web_api, outcome.accepted)
    behind = len(others[0].accepted - web_api.ended) if others else 0
    gap, due, took = random.Random(quiet_first).expovariate, outcome.started_at, []
    for job in range(quiet_first, quiet_first + len(quiet)):
        due += gap(1 / QUIET_EVERY_SECONDS)  # as the client drew them
        if job in web_api.ended_at:
            took.append(web_api.ended_at[job] - due)
    took.sort()
    return {
        "events": len(quiet),
        "ended": len(took),
        "p50_seconds": quantile(took, 0.5),
        "p99_seconds": quantile(took, 0.99),
        "busy_waiting_at_the_end": behind,
        "strangers": web_api.strangers,
    }


def quantile(ordered: list[float], q: float) -> float:
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


class Runs:
    """Starts servers, each with an empty store and so many installations."""

    def __init__(self, launcher: Launcher, directory: Path, core: int) -> None:
        self._launcher = launcher
        self._directory = directory
        self._core = core
        self._numbers = itertools.count()

    async def share(self, variant: Variant, workspaces: int, seconds: float, rate: float | None) -> dict[str, Any]:
        return await self._with(
            variant, workspaces, {}, lambda server, port, api: Share(server, port, api, workspaces).run(seconds, rate)
        )

    async def fairness(self, variant: Variant, slots: int, seconds: float, *, busy: bool) -> dict[str, Any]:
        more = {
            "LISTENERS": "bench.listeners.slow_event",
            "BENCH_WORK_SECONDS": str(WORK_SECONDS),
            "RUN_CONCURRENCY": str(slots),
        }
        return await self._with(variant, 2, more, lambda _, port, api: fairness(port, api, seconds, busy=busy))

    async def _with(self, variant: Variant, workspaces: int, more: dict[str, str], run: Any) -> dict[str, Any]:
        web_api = TimedApi(lambda job: b"")
        await web_api.start()
        launch = installed(self._launcher.launch(variant, 1, "event", web_api.url), **more)
        await install(launch.environment["DATABASE_URL"], workspaces)
        log = self._directory / f"server-{next(self._numbers)}.log"
        server = ServerProcess(launch.command, launch.environment, log, self._core)
        try:
            await server.answers(launch.ready_port, launch.ready_path)
            await server.answers(launch.port, None)
            found: dict[str, Any] = await run(server, launch.port, web_api)
            return found
        finally:
            await server.stop()
            await web_api.stop()


async def measure(options: argparse.Namespace, directory: Path, cores: list[int]) -> dict[str, Any]:
    launcher = Launcher(directory, cores[1])
    runs = Runs(launcher, directory, cores[0])
    results: dict[str, Any] = {"commit": commit(), "machine": machine(directory), "versions": versions()}
    results["options"] = {name: value for name, value in vars(options).items() if name != "record"}
    try:
        for variant in (OURS_SQLITE, OURS_POSTGRES):
            if variant.name not in options.only:
                continue
            if "share" in options.parts:
                results[f"share-{variant.name}"] = await _share(runs, variant, options)
            for waits_for, slots in SLOTS.items() if "fairness" in options.parts else ():
                alone = await runs.fairness(variant, slots, options.fairness_seconds, busy=False)
                beside = await runs.fairness(variant, slots, options.fairness_seconds, busy=True)
                results[f"fairness-{waits_for}-{variant.name}"] = {"alone": alone, "beside": beside}
                _print_fairness(variant, waits_for, alone, beside)
    finally:
        launcher.close()
    return results


async def _share(runs: Runs, variant: Variant, options: argparse.Namespace) -> dict[str, Any]:
    """Rounds of one and of many in turns. The steady load is the same for both: half of the first peak of one."""
    rounds: dict[str, list[dict[str, Any]]] = {"one": [], "many": []}
    rate = None
    for number in range(options.rounds):
        pair = [("one", 1), ("many", options.workspaces)]
        for name, workspaces in pair if number % 2 == 0 or rate is None else pair[::-1]:
            found = await runs.share(variant, workspaces, options.seconds, rate)
            rate = rate or found["peak"]["rate"] / 2
            rounds[name].append(found)
            peak, steady = found["peak"], found["steady"]
            print(
                f"{variant.name:<9} {workspaces:>6,} workspaces: {peak['rate']:>6,.0f}/s, {peak['cpu_us']:.0f} us;"
                f" at {rate:,.0f}/s ack p50 {steady['ack_p50_ms']:.1f} ms, p99 {steady['ack_p99_ms']:.1f} ms;"
                f" {found['memory_at_rest_mib']:.0f} -> {found['memory_after_mib']:.0f} MiB;"
                f" lost {peak['lost'] + steady['lost']}, wrong tokens {found['strangers']}",
                flush=True,
            )
    ratio = median(many["peak"]["rate"] / one["peak"]["rate"] for one, many in zip(*rounds.values(), strict=True))
    cpu = median(many["peak"]["cpu_us"] / one["peak"]["cpu_us"] for one, many in zip(*rounds.values(), strict=True))
    print(
        f"{variant.name:<9} many / one: {ratio:.3f} of the events a second, {cpu:.3f} of the CPU an event", flush=True
    )
    return {"rounds": rounds, "of_one": ratio, "cpu_of_one": cpu}


def _print_fairness(variant: Variant, waits_for: str, alone: dict[str, Any], beside: dict[str, Any]) -> None:
    for name, found in (("alone", alone), ("beside the busy one", beside)):
        print(
            f"{variant.name:<9} lanes wait for {waits_for}: quiet workspace {name}: p50 {found['p50_seconds']:.2f} s,"
            f" p99 {found['p99_seconds']:.2f} s, {WORK_SECONDS} s of them work;"
            f" {found['ended']} of {found['events']} ended;"
            f" {found['busy_waiting_at_the_end']} of the busy one waited at the end",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short phases, 1 round")
    parser.add_argument("--workspaces", type=int, default=10_000)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each phase")
    parser.add_argument("--fairness-seconds", type=float, help="how long the busy workspace sends")
    parser.add_argument("--only", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--parts", nargs="+", choices=["share", "fairness"], default=["share", "fairness"])
    parser.add_argument("--record", metavar="NAME", help="keep the result as bench/results/NAME.json")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (3.0 if options.quick else 8.0)
    options.fairness_seconds = options.fairness_seconds or (30.0 if options.quick else 120.0)
    end_well()
    cores = two_cores()
    with scratch("workspaces") as directory:
        results = uvloop.run(measure(options, directory, cores))
    if options.record:
        record(options.record, results)


if __name__ == "__main__":
    main()
