"""What many held deliveries cost: how often their lanes are claimed, and the CPU of a quiet time.

python -m bench.held pause          10,000 deliveries are paused before they come
python -m bench.held limit          1,000 wait for the limit of a slow listener; two pods, a third one only stores

Everything runs in one process, with a PostgreSQL beside it: pods here are workers with an inbox each, whose listener
is a stub. Bounded: half a minute each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass, field, replace

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import JSON
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.claim import Claimed
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.parking import Parking
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.limits import Limit
from anchorbolt.telemetry import logs
from anchorbolt.worker.verdict import Limits
from anchorbolt.worker.worker import Worker
from sqlalchemy.engine import make_url

from bench.postgres import Postgres
from bench.scratch import scratch

LISTENER = "app.slow"
LIMITS = Limits(max_attempts=8, max_crashes=4, backoff_base_seconds=1, backoff_cap_seconds=30, run_timeout_seconds=600)


@dataclass
class Pod:
    """A worker with an inbox of its own. Its listener runs until the measurement ends."""

    inbox: Inbox
    takes: bool
    claims: Counter[str] = field(default_factory=Counter)
    began: int = 0
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        """Makes the worker, and counts what it claims."""
        limits = {LISTENER: Limit(concurrency=20)}
        self.worker = Worker(self.inbox, self, LIMITS, concurrency=40, takes=self.takes, listener_limits=limits)
        claim = self.inbox.claim

        async def counted(most: int, urgent: int = 0) -> Claimed:
            claimed = await claim(most, urgent)
            self.claims.update(held.stored.key for held in claimed.held)
            return claimed

        self.inbox.claim = counted  # type: ignore[method-assign]

    async def answer(self, run: Run) -> None:
        """Stands for Bolt: the listener is found, and begins if it may."""
        run.found(LISTENER)
        asked = run.asks_hold(run, LISTENER) if run.asks_hold is not None else None
        if asked is not None and await asked:
            return
        self.began += 1
        await asyncio.sleep(3600)

    async def conclude_failure(self, run: Run) -> None:
        """Nothing fails here."""

    async def report_failure(self, delivery: Delivery, reason: str) -> None:
        """Nothing fails here."""


async def measure(scenario: str, deliveries: int, seconds: float, url: str) -> None:
    """Prints what a scenario costs."""
    takes = (True, True, False) if scenario == "limit" else (True,)
    pods = [Pod(await _inbox(url, n == 0, f"pod-{n}"), one) for n, one in enumerate(takes)]
    first = pods[0].inbox
    if scenario == "pause":
        await first.store.transact(lambda c: Pauses("postgresql").pause(c, "kind", "event", "bench"))
    await _store(first, deliveries)
    for pod in pods:
        pod.worker.start()
    wanted = deliveries if scenario == "pause" else deliveries - 2 * 20
    await _until_parked(first, wanted)
    print(f"{scenario}: {deliveries:,} deliveries are parked after {_claims(pods):,} claims of lanes")
    before, cpu, at = _claims(pods), time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    used = (time.process_time() - cpu) / (time.perf_counter() - at)
    print(f"{scenario}: {_claims(pods) - before:,} claims in {seconds:g} s, {used:.1%} of a core in {len(pods)} pods")
    print(f"{scenario}: {sum(pod.began for pod in pods)} runs began")
    for pod in pods:
        pod.worker.stop_taking()
        await pod.worker.stop()


async def _inbox(url: str, makes: bool, name: str) -> Inbox:
    inbox = Inbox(PostgresqlDatabase(make_url(url), listen_url=make_url(url)), lease_seconds=30, name=name)
    if makes:
        await inbox.database.migrate()
    await inbox.open()
    return inbox


async def _store(inbox: Inbox, deliveries: int) -> None:
    sample = make("message", Scene(channel_id="C1", text="held"))
    one = parse(sample.body, JSON)
    assert isinstance(one, Delivery)
    item = Item(one.key, one.lane, str(one.kind), one.content_type, one.body, workspace=one.workspace)
    deadline = time.monotonic() + 60
    await asyncio.gather(
        *(inbox.accept(replace(item, key=f"A1:Ev{n}", lane=f"C{n}"), deadline) for n in range(deliveries))
    )


async def _until_parked(inbox: Inbox, wanted: int) -> None:
    for _ in range(600):
        if sum((await inbox.store.transact(Parking().waiting)).values()) >= wanted:
            return
        await asyncio.sleep(0.1)


def _claims(pods: list[Pod]) -> int:
    return sum(pod.claims.total() for pod in pods)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=["pause", "limit"])
    parser.add_argument("--deliveries", type=int)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    deliveries = arguments.deliveries or {"pause": 10_000, "limit": 1_000}[arguments.scenario]
    logs.configure("ERROR", as_json=False)
    with scratch("held") as directory:
        postgres = Postgres(directory, max(os.sched_getaffinity(0)))
        try:
            url = postgres.new_database("held")
            asyncio.run(measure(arguments.scenario, deliveries, arguments.seconds, url))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
