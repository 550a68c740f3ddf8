"""`python -m bench.scale`: how the cost of a delivery grows with what the inbox holds, and with who shares it.

Tombstones, deliveries that wait, conversations, bodies, and processes on one PostgreSQL. On SQLite in a file and on
PostgreSQL, both durable. Costs are CPU time: of this process, and beside it of PostgreSQL; times by the clock say more
of the disk. What should not grow and does is a defect. `--quick`: a minute or two; all of it: less than nine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from anchorbolt.inbox.database import Database
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.retention import Retention
from anchorbolt.inbox.sqlite import SqliteDatabase
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import make_url

from bench import backlog
from bench.costs import Cost, Costs
from bench.machine import commit, machine, versions
from bench.postgres import Postgres
from bench.processes import cpu, end_well
from bench.report import record
from bench.scratch import scratch
from bench.variants import ROOT

LEASE_SECONDS = 60.0
DAY_SECONDS = 86_400.0
WAITING_LANES = 1_000
# What each axis is measured at; the quick run takes the first and the last but one.
TOMBSTONES = (1_000, 10_000, 100_000, 1_000_000)
WAITING = (1, 100, 10_000, 100_000)
CONVERSATIONS = (10, 1_000, 10_000, 100_000)
BODY_BYTES = (1_000, 10_000, 50_000, 200_000)
PROCESSES = (1, 2, 4)
AXES = ("tombstones", "waiting", "conversations", "bodies", "processes")
DATABASES = ("sqlite", "postgresql")


class Scale:
    """One run: the axes, on one database."""

    def __init__(self, directory: Path, postgres: Postgres | None, found: list[Cost], *, quick: bool) -> None:
        self._directory = directory
        self._postgres = postgres
        self._found = found
        self._quick = quick
        self._numbers = itertools.count()

    async def tombstones(self) -> None:
        """What has ended stays for a day and more: the largest table, and nobody's business until it is swept."""
        async with self._inbox("tombstones") as (database, costs):
            await backlog.set_waiting(database, WAITING_LANES, WAITING_LANES)
            for before, size in self._steps(TOMBSTONES):
                await backlog.add_ended(database, before + 1, size)
                await costs.all_of_it(size)
                for name, sweep in (
                    ("sweep, nothing is old", Retention(2 * DAY_SECONDS, 2 * DAY_SECONDS)),
                    ("sweep of 500", Retention(0, 2 * DAY_SECONDS)),
                ):
                    await costs.once(size, name, lambda sweep=sweep: database.transact(sweep), most=10)  # type: ignore[misc]

    async def waiting(self) -> None:
        """A backlog, in a thousand lanes or in one: claims look at its oldest only."""
        async with self._inbox("waiting") as (database, costs):
            for _, size in self._steps(WAITING):
                await backlog.set_waiting(database, size, WAITING_LANES)
                await costs.all_of_it(size)
        async with self._inbox("waiting in one lane") as (database, costs):
            for _, size in self._steps(WAITING[1:]):
                await backlog.set_waiting(database, size, 1)
                await costs.claim(1)
                await costs.go_on(size)

    async def conversations(self) -> None:
        """Each with one delivery that waits, and as many that are quiet."""
        async with self._inbox("conversations") as (database, costs):
            for _, size in self._steps(CONVERSATIONS):
                await backlog.set_waiting(database, size, size)
                await costs.all_of_it(size, conversations=size)

    async def bodies(self) -> None:
        """Slack's are 1 to 20 kB; a form with much in it has more."""
        async with self._inbox("body bytes") as (database, costs):
            for _, size in self._steps(BODY_BYTES):
                await backlog.set_waiting(database, 200, 200, size)
                await costs.all_of_it(size, body_bytes=size)

    async def processes(self) -> None:
        """Several on one PostgreSQL, each as fast as it can; the cost is of one delivery in all of them together."""
        for _, size in self._steps(PROCESSES):
            assert self._postgres is not None
            url = await self._new_database()
            each = [await _one_of_several(url) for _ in range(size)]
            before = cpu(self._postgres.pid).total
            for process in each:
                assert process.stdin is not None
                process.stdin.close()  # go
            said = [json.loads((await process.communicate())[0].splitlines()[-1]) for process in each]
            server = cpu(self._postgres.pid).total - before
            times = sum(one["times"] for one in said)
            cost = Cost(
                "processes",
                "postgresql",
                size,
                "accept + complete",
                times,
                round(sum(one["cpu_us"] * one["times"] for one in said) / times, 1),
                round(server / times * 1e6, 1),
                max(one["median_ms"] for one in said),
                round(sum(one["per_second"] for one in said)),
            )
            self._found.append(cost)
            print(json.dumps(asdict(cost)), flush=True)

    @asynccontextmanager
    async def _inbox(self, axis: str) -> AsyncIterator[tuple[Database, Costs]]:
        """An empty one, which goes with the run."""
        if self._postgres is not None:
            database: Database = PostgresqlDatabase(make_url(await self._new_database()))
        else:
            database = SqliteDatabase(self._directory / f"{axis}.db")
        inbox = Inbox(database, lease_seconds=LEASE_SECONDS)
        await inbox.open()
        try:
            yield database, Costs(axis, inbox, self._postgres.pid if self._postgres else None, self._found)
        finally:
            await inbox.close()

    async def _new_database(self) -> str:
        assert self._postgres is not None
        url = self._postgres.new_database(f"scale_{next(self._numbers)}")
        database = PostgresqlDatabase(make_url(url))
        await database.migrate()
        await database.close()
        return url

    def _steps(self, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Each size, with the one before it."""
        chosen = (sizes[0], sizes[-2]) if self._quick else sizes
        return zip((0, *chosen), chosen, strict=False)


async def _one_of_several(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.costs", url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )


def print_table(found: list[Cost]) -> None:
    """For each thing on each axis what it costs at each size, and how much more at the last than at the first."""
    table = Table(title="CPU us (+ us of PostgreSQL), ms by the clock")
    for heading in ("axis", "database", "what", "size: cost", "growth"):
        table.add_column(heading)
    lines: dict[tuple[str, str, str], list[Cost]] = {}
    for cost in found:
        lines.setdefault((cost.axis, cost.database, cost.what), []).append(cost)
    for (axis, database, what), costs in lines.items():
        at = [
            f"{cost.size:>9,}: {cost.cpu_us:>8,.0f} {f'+ {cost.database_us:,.0f}' if cost.database_us else '':<10}"
            f" {cost.median_ms:>8,.2f} ms {cost.per_second:>8,.0f}/s"
            for cost in costs
        ]
        growth = (costs[-1].cpu_us + costs[-1].database_us) / (costs[0].cpu_us + costs[0].database_us)
        table.add_row(axis, database, what, "\n".join(at), f"x {growth:.1f}")
        table.add_section()
    Console(width=140).print(table)


async def measure(directory: Path, databases: Sequence[str], axes: Sequence[str], *, quick: bool) -> list[Cost]:
    found: list[Cost] = []
    for name in databases:
        postgres = Postgres(directory, max(os.sched_getaffinity(0))) if name == "postgresql" else None
        try:
            scale = Scale(directory, postgres, found, quick=quick)
            for axis in axes:
                if axis != "processes" or postgres:
                    await getattr(scale, axis)()
        finally:
            if postgres:
                postgres.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two sizes of each axis, without the largest")
    parser.add_argument("--only", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--axes", nargs="+", choices=AXES, default=AXES)
    parser.add_argument("--record", metavar="NAME", help="keep the result as bench/results/scale-NAME.json")
    options = parser.parse_args()
    end_well()
    began = time.monotonic()
    with scratch("scale") as directory:
        about = {"commit": commit(), "machine": machine(directory), "versions": versions()}
        found = asyncio.run(measure(directory, options.only, options.axes, quick=options.quick))
    print_table(found)
    print(f"{time.monotonic() - began:.0f} s")
    if options.record:
        record(f"scale-{options.record}", {**about, "costs": [asdict(c) for c in found]})


if __name__ == "__main__":
    main()
