"""Measures one server: peak, half of it, and twice of it; what ended, how fast, and at what cost."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.listeners.plan import Kind, plan, targets
from bench.load.client import Client, Outcome
from bench.load.prepare import prepare
from bench.load.web_api import WebApi
from bench.processes import ServerProcess
from bench.variants import Launcher, Variant

CONNECTIONS = 64
SETTLE_SECONDS = 20.0
MAX_REQUESTS = 60_000


@dataclass(frozen=True)
class Cell:
    """One place of the table; `latencies` adds half and double load."""

    variant: Variant
    listeners: int
    kind: Kind
    latencies: bool


@dataclass(frozen=True)
class Times:
    """How long each phase lasts, in seconds."""

    warm: float
    peak: float
    steady: float


class Bench:
    """The load side of a run; jobs are numbered through, so that none is ever sent twice."""

    def __init__(
        self, launcher: Launcher, directory: Path, server_core: int, times: Times, call_seconds: float = 0
    ) -> None:
        self._launcher = launcher
        self._directory = directory
        self._core = server_core
        self._times = times
        self._job = itertools.count(1)
        self._first = 1
        self.web_api = WebApi(call_seconds=call_seconds)

    async def cell(self, cell: Cell) -> dict[str, Any]:
        """Starts the server, measures the phases, stops it. A result a phase, in seconds, MiB and events a second."""
        launch = self._launcher.launch(cell.variant, cell.listeners, cell.kind, self.web_api.url)
        log = self._directory / f"{cell.variant.name}-{cell.listeners}-{cell.kind}.log"
        server = ServerProcess(launch.command, launch.environment, log, self._core)
        try:
            ready = await server.answers(launch.ready_port, launch.ready_path)
            await server.answers(launch.port, None)
            result: dict[str, Any] = {"ready_seconds": ready, "memory_at_rest_mib": server.memory_mib()}
            run = _Run(self, server, launch.port, cell)
            warm = await run.phase(None, self._times.warm, 3_000)
            guess = max(warm["rate"], 50.0)
            result["peak"] = await run.phase(None, self._times.peak, int(guess * self._times.peak * 2))
            if cell.latencies:
                rate = result["peak"]["rate"]
                for name, share in (("half", 0.5), ("double", 2.0)):
                    result[name] = await run.phase(rate * share, 0, int(rate * share * self._times.steady))
                result["double"]["of_peak"] = result["double"]["rate"] / rate
            result["memory_after_mib"] = server.memory_mib()
        finally:
            await server.stop()
        return result

    def jobs(self, kind: Kind, names: Sequence[str], count: int) -> tuple[int, list[bytes]]:
        first, self._first = self._first, self._first + count
        return first, prepare(kind, names, first, count)


class _Run:
    """The phases against one running server."""

    def __init__(self, bench: Bench, server: ServerProcess, port: int, cell: Cell) -> None:
        self._bench = bench
        self._server = server
        self._port = port
        self._cell = cell
        self._names = targets(plan(cell.listeners, cell.kind), cell.kind)

    async def phase(self, rate: float | None, seconds: float, count: int) -> dict[str, Any]:
        """A closed loop for `seconds`, or an open loop of `count` requests at `rate` a second."""
        web_api = self._bench.web_api
        first, requests = self._bench.jobs(self._cell.kind, self._names, min(max(count, 100), MAX_REQUESTS))
        web_api.ended.clear()
        web_api.again, web_api.last_at = 0, 0.0
        gc.collect()
        gc.disable()
        before, load_before = self._server.cpu(), time.process_time()
        client = Client(self._port, requests, first)
        outcome = await (client.closed_loop(CONNECTIONS, seconds) if rate is None else client.open_loop(rate, first))
        await self._settle(outcome)
        load_cpu, spent = time.process_time() - load_before, self._server.cpu() - before
        gc.enable()
        return self._result(outcome, spent.user, spent.system, load_cpu)

    async def _settle(self, outcome: Outcome) -> None:
        """Waits until every accepted job has ended; gives up when nothing ended for 5 s."""
        if not self._cell.variant.listens:
            return
        web_api, until = self._bench.web_api, time.perf_counter() + SETTLE_SECONDS
        while not outcome.accepted <= web_api.ended and time.perf_counter() < until:
            if time.perf_counter() - max(web_api.last_at, outcome.last_answer_at) > 5:
                return
            await asyncio.sleep(0.02)

    def _result(self, outcome: Outcome, user: float, system: float, load_cpu: float) -> dict[str, Any]:
        web_api = self._bench.web_api
        listens = self._cell.variant.listens
        ended = len(web_api.ended) if listens else len(outcome.accepted)
        last = max(outcome.last_answer_at, web_api.last_at if listens else 0.0)
        elapsed = max(last - outcome.started_at, 1e-9)
        latencies = sorted(outcome.latencies)
        return {
            "rate": ended / elapsed,
            "seconds": elapsed,
            "sent": outcome.sent,
            "ended": ended,
            "lost": len(outcome.accepted - web_api.ended) if listens else 0,
            "ran_again": web_api.again,
            "statuses": dict(outcome.statuses),
            "late": outcome.late,
            "ack_ms": {name: 1000 * _quantile(latencies, q) for name, q in _QUANTILES.items()},
            "cpu_us": {"user": 1e6 * user / max(ended, 1), "system": 1e6 * system / max(ended, 1)},
            "server_cpu": (user + system) / elapsed,
            "load_cpu": load_cpu / elapsed,
        }


_QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def _quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else float("nan")
