"""Two pods on a PostgreSQL of their own, an emulator of Slack, load, and a Prometheus with the alerts."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.on_call.rules import compressed
from tests.support.chaos.traffic import Traffic
from tests.support.listener_log import Entry
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL, migrate
from tests.support.prometheus import Prometheus
from tests.support.waiting import until_answer

PODS = 2
CHUNK_SECONDS = 2.0
# After which an event is sent again; the first is nearly at once.
SLACKS_RETRIES = (0.5, 60.0, 300.0)
SETTLE_SECONDS = 90.0
ROW = "json_build_object('key', key, 'state', state, 'received_at', received_at)"
ROWS = f"SELECT coalesce(json_agg({ROW}), '[]') FROM delivery"
LIVE = "SELECT count(*) FROM delivery WHERE state = 'live'"


@dataclass(frozen=True)
class Found:
    """What a scenario came to. Times in seconds as they went by here; nothing is multiplied by the speed."""

    title: str
    acknowledged: int
    given_up: int
    lost: int
    doubled: int
    dead: int
    live: int
    alerts: dict[str, float]
    slowest_other: float | None  # from its arrival to its end, of those that were accepted meanwhile
    to_start_p99: float | None  # from the arrival of these to the beginning of their first run
    stood_still: float  # the longest time in which none of the others ended
    again_after: float | None  # from the end of the trouble to the next one of the others that ended
    first_dead: float | None


class Stage:
    """The cast of one scenario. `words`: the listeners of both halves of the load, the one that it happens to last."""

    def __init__(self, directory: Path, server: PostgreSQL, speed: float, rate: float, words: tuple[str, str]) -> None:
        self.directory = directory
        self.server = server
        self.speed = speed
        self._words = words
        self.others = words[0]
        self._rate = rate
        self._stack = AsyncExitStack()
        self.began = self.ended = 0.0

    async def __aenter__(self) -> Self:
        self.url = await asyncio.to_thread(self.server.new_database)
        self.database = self.url.rpartition("/")[2]
        await migrate(self.url)
        settings = {
            "LISTENERS": "bench.on_call.listeners",
            "LOG_LEVEL": "INFO",
            "LEASE_SECONDS": 3,
            "RUN_CONCURRENCY": 10,  # as few as the times are short, or nothing would fill them
            "BACKOFF_BASE_SECONDS": 1 / self.speed,
            "BACKOFF_CAP_SECONDS": 300 / self.speed,
            "RUN_TIMEOUT_SECONDS": 600 / self.speed,
        }
        try:
            self.pods = await self._stack.enter_async_context(
                Pods(self.directory, self.url, PODS, **settings)  # type: ignore[arg-type]  # `each` is among them
            )
            targets = [f"127.0.0.1:{pod.app.internal_port}" for pod in self.pods.pods]
            self.prometheus = await self._stack.enter_async_context(
                Prometheus(self.directory, targets, rules=compressed(self.speed))
            )
        except BaseException:
            await self._stack.aclose()
            raise
        self.slack = self.pods.slack
        # In pairs, for a conversation and the next one are not of the same pod.
        words = self._words
        retries = (SLACKS_RETRIES[0], *(seconds / self.speed for seconds in SLACKS_RETRIES[1:]))
        self.traffic = Traffic(self.pods.pods, 200, self._rate, lambda n: f"{words[n // 2 % 2]} n={n}", retries)
        self._over = asyncio.Event()
        self._sending = asyncio.ensure_future(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        with suppress(asyncio.CancelledError):
            self._sending.cancel()
            await self._sending
        await self._stack.aclose()

    def switch(self, name: str, *, on: bool) -> None:
        """Lets the listener of that name do what is wrong with it, or end well."""
        flag = self.directory / name
        if on:
            flag.touch()
        else:
            flag.unlink(missing_ok=True)

    async def query(self, sql: str) -> str:
        """Asks the database itself, past the app."""
        return await asyncio.to_thread(self.server.query, self.database, sql)

    async def settle(self, title: str) -> Found:
        """Ends the load, waits until nothing is live any more, or too long, and counts."""
        self._over.set()
        await self._sending

        async def nothing_live() -> bool:
            return await self.query(LIVE) == "0\n"

        with suppress(AssertionError):
            await until_answer(nothing_live, SETTLE_SECONDS, what="nothing is live")
        return await self._count(title)

    async def _send(self) -> None:
        # Beside each other: what waits for a retry must not keep Slack from sending more.
        async with asyncio.TaskGroup() as group:
            while not self._over.is_set():
                group.create_task(self.traffic.send(int(CHUNK_SECONDS * self._rate)))
                await asyncio.sleep(CHUNK_SECONDS)

    async def _count(self, title: str) -> Found:
        rows = {row["key"]: row for row in json.loads(await self.query(ROWS))}
        states = Counter(row["state"] for row in rows.values())
        log = self.pods.listener_log
        done = log.counts("done")
        ended = {key for key, row in rows.items() if row["state"] != "live" and (row["state"] != "done" or done[key])}
        others = [entry for entry in log.entries("done") if self._is_other(entry) and entry.key in rows]
        began = {entry.key: entry.at for entry in reversed(log.entries("start")) if self._is_other(entry)}
        waited = sorted(
            began[key] - row["received_at"]
            for key, row in rows.items()
            if key in began and self.began <= row["received_at"] <= self.ended
        )
        received = [(rows[entry.key]["received_at"], entry.at) for entry in others]
        ends = sorted(entry.at for entry in others if entry.at >= self.began - CHUNK_SECONDS)
        alerts, first_dead = await self._alerts()
        return Found(
            title,
            acknowledged=len(self.traffic.account.acknowledged),
            given_up=len(self.traffic.account.given_up),
            lost=len(self.traffic.account.acknowledged - ended) - states["live"],
            doubled=len(doubled(log.entries())),
            dead=states["dead"],
            live=states["live"],
            alerts=alerts,
            slowest_other=max((end - at for at, end in received if self.began <= at <= self.ended), default=None),
            to_start_p99=waited[int(0.99 * (len(waited) - 1))] if waited else None,
            stood_still=max((after - before for before, after in itertools.pairwise(ends)), default=0.0),
            again_after=min((at - self.ended for at in ends if at >= self.ended), default=None),
            first_dead=first_dead,
        )

    def _is_other(self, entry: Entry) -> bool:
        return entry.text.startswith(self.others)

    async def _alerts(self) -> tuple[dict[str, float], float | None]:
        """When each alert began to fire, and when the first dead letter was there, in seconds after the beginning."""
        seconds = time.time() - self.began + 10
        found: dict[str, float] = {}
        for series in await self.prometheus.ask_range('ALERTS{alertstate="firing"}', seconds, 1):
            name = series["metric"]["alertname"].removeprefix("Anchorbolt")
            at = float(series["values"][0][0]) - self.began
            found[name] = min(found.get(name, at), at)
        dead = await self.query("SELECT min(ended_at) FROM delivery WHERE state = 'dead'")
        first = float(dead) - self.began if dead.strip() else None
        return dict(sorted(found.items(), key=lambda one: one[1])), first


def doubled(entries: Sequence[Entry]) -> set[str]:
    """The keys that ran again though the run before had not failed: it was cut short, or its end was not written."""
    before: dict[str, Entry] = {}
    found: set[str] = set()
    for entry in entries:
        last = before.get(entry.key)
        if entry.what == "start" and last is not None and last.what != "failed" and entry.attempt <= last.attempt:
            found.add(entry.key)
        before[entry.key] = entry
    return found
