"""`python -m bench.stickiness`: what stickiness buys. Four pods behind HAProxy, sticky against round robin.

Once on one PostgreSQL: how often a lane changes its pod, how long an event waits for its start, what the database does
for it. Once without any database: events that run twice under Slack's retries, and lanes that run out of order.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from bench.behind import behind
from bench.machine import commit, machine
from tests.integration.ingress.proxies.haproxy import HAProxy
from tests.support.listener_log import Entry
from tests.support.listeners import words
from tests.support.postgresql import PostgreSQL, migrate
from tests.support.waiting import until

PODS = 4
WORK_SECONDS = 0.1
RETRY_ONE_IN = 10
ROUNDS = 3


class Tier(HAProxy):
    """The shipped tier; it tells which pod answered, and may take the pods in turn."""

    sticky = True

    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """The shipped files, with one line more, and one other."""
        found = super().render()
        file = self.directory / "haproxy.cfg"
        text = file.read_text().replace("backend pods\n", "backend pods\n    http-response set-header x-pod %s\n")
        if not self.sticky:
            text = text.replace("balance hash var(txn.conversation)", "balance roundrobin")
        file.write_text(text)
        return found


class InTurn(Tier):
    """Round robin."""

    sticky = False


@dataclass(frozen=True, slots=True)
class Workload:
    """Lanes that send one event after the other, with a pause between two of these bounds."""

    name: str
    lanes: int
    events_a_lane: int
    gap_seconds: tuple[float, float]


CALM = Workload("calm lanes", 30, 40, (0.02, 0.8))  # now and then an event meets the one before it
BUSY = Workload("busy lanes", 10, 100, (0.0, 0.2))  # most events wait for the one before them


@dataclass(frozen=True, slots=True)
class Run:
    """One round: what was sent, and what the listeners said of it."""

    acks: dict[str, Ack]
    lanes: dict[str, list[Entry]]
    pods: dict[int, str]
    accepted_at: dict[str, float]
    statements: float


def main() -> None:
    """Measures both in turn, a few rounds, and prints the medians as a Markdown table."""
    told = machine(Path(tempfile.gettempdir()))
    print(f"{told['cpu']}, {told['cores']} cores, load {told['load_before']:.1f}, commit {commit()};")
    print(f"{PODS} pods, medians of {ROUNDS} rounds of 1,000 and more events\n")
    print("| | sticky | round robin |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        server = PostgreSQL(Path(directory) / "postgresql")
        server.start()
        try:
            server.query("postgres", "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
            server.restart()
            for workload in (CALM, BUSY):
                runs = [asyncio.run(measured(tier, workload, server)) for _ in range(ROUNDS) for tier in (Tier, InTurn)]
                show(f"one PostgreSQL, {workload.name}", runs)
        finally:
            server.stop()
    runs = [asyncio.run(measured(tier, CALM, None)) for _ in range(ROUNDS) for tier in (Tier, InTurn)]
    show(f"no database, {CALM.name}", runs)


def show(where: str, runs: Sequence[Run]) -> None:
    """The rows of one half; the runs are sticky and round robin in turn."""
    sticky, in_turn = ([rows(run) for run in runs[first::2]] for first in (0, 1))
    for name in sticky[0]:
        found = (f"{median(run[name] for run in kind):.4g}" for kind in (sticky, in_turn))
        print(f"| {where}: {name} | " + " | ".join(found) + " |", flush=True)


def rows(run: Run) -> dict[str, float]:
    """What a round says."""
    starts = {lane: [entry for entry in entries if entry.what == "start"] for lane, entries in run.lanes.items()}
    ran_at = {entry.key: entry for lane in starts.values() for entry in reversed(lane)}
    events = len(ran_at)
    found = {
        "failed acks": sum(ack.status != 200 for ack in run.acks.values()),
        "takeovers (a lane's next event starts on another pod), of 100 events": 100
        / events
        * sum(one.pid != other.pid for lane in starts.values() for one, other in pairwise(lane)),
        "events that ran on another pod than the one that accepted them, of 100": 100
        / events
        * sum(run.pods[entry.pid] != run.acks[key].headers["x-pod"] for key, entry in ran_at.items()),
        "events run twice, of 100": 100 / events * (sum(len(lane) for lane in starts.values()) - events),
        "lanes out of order, of 100": 100
        / len(run.lanes)
        * sum(out_of_order(entries) for entries in run.lanes.values()),
        "ack p50, ms": median(ack.ack_ms for ack in run.acks.values()),
        "ack p99, ms": percentile([ack.ack_ms for ack in run.acks.values()]),
    }
    if run.accepted_at:
        waits = [(ran_at[key].at - at) * 1000 for key, at in run.accepted_at.items()]
        found |= {"accept to start p50, ms": median(waits), "accept to start p99, ms": percentile(waits)}
        found |= {"database statements an event": run.statements / events}
    return found


def out_of_order(entries: Sequence[Entry]) -> bool:
    """Whether an event began before the one before it had ended, or after one that followed it."""
    last, running = -1, 0
    for entry in entries:
        if entry.what == "start":
            if running or entry.n < last:
                return True
            last = entry.n
        running += 1 if entry.what == "start" else -1
    return False


def percentile(values: Sequence[float]) -> float:
    """The 99th."""
    return quantiles(values, n=100)[98]


async def measured(kind: type[Tier], workload: Workload, server: PostgreSQL | None) -> Run:
    """One round: fresh pods, a fresh database."""
    url = server.new_database() if server else "sqlite+aiosqlite://"
    if server:
        await migrate(url)
        server.query(url.rsplit("/", 1)[1], "CREATE EXTENSION pg_stat_statements")
    async with behind(kind, PODS, url) as running:
        before = statements(server, url)
        acks = await load(running.url, workload)
        accepted = {key for key, ack in acks.items() if ack.status == 200}
        await until(lambda: accepted <= set(running.log.counts("done")), what="every event is done")
        spent = statements(server, url) - before
        processes = running.pods.processes
        where = {process.worker_pid: name.replace("anchorbolt", "pod") for name, process in processes.items()}
        lanes: dict[str, list[Entry]] = defaultdict(list)
        for entry in running.log.entries():
            lanes[words(entry.text)["lane"]].append(entry)
        return Run(acks, lanes, {pid: pod for pid, pod in where.items() if pid}, accepted_times(server, url), spent)


async def load(url: str, workload: Workload) -> dict[str, Ack]:
    """Every lane sends one event after the other; of some, Slack's retry follows although they were acknowledged."""
    chance = random.Random(1)
    acks: dict[str, Ack] = {}

    async def lane(number: int) -> None:
        scene = Scene(channel_id=f"C{number:010X}", thread_ts="1760000000.000100")
        for n in range(workload.events_a_lane):
            await asyncio.sleep(chance.uniform(*workload.gap_seconds))
            sample = make("message", replace(scene, text=f"lane={number} n={n} work={WORK_SECONDS}"))
            acks[str(sample.key)] = await player.send(sample)
            if chance.randrange(RETRY_ONE_IN) == 0:
                await player.send(sample, retry_num=1)

    async with client(connections=workload.lanes) as http:
        player = Player(http, url, EMULATOR_SECRET)
        await asyncio.gather(*(lane(number) for number in range(workload.lanes)))
    return acks


def statements(server: PostgreSQL | None, url: str) -> float:
    """What the app has asked of its database so far; BEGIN, COMMIT and the like are no part of it."""
    if server is None:
        return 0
    name = url.rsplit("/", 1)[1]
    asked = (
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
        f" WHERE d.datname = '{name}' AND query ~* '^(SELECT|INSERT|UPDATE|DELETE|WITH)' AND query !~ 'pg_stat'"
    )
    return float(server.query(name, asked))


def accepted_times(server: PostgreSQL | None, url: str) -> dict[str, float]:
    """When each event was accepted, by the database's clock, which is this machine's."""
    if server is None:
        return {}
    told = server.query(url.rsplit("/", 1)[1], "SELECT key, received_at FROM delivery")
    return {key: float(at) for key, at in (line.split("|") for line in told.splitlines())}


if __name__ == "__main__":
    main()
