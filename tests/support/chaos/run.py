"""A whole run: traffic, faults, and what the inbox, Slack and the listeners say at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.chaos.faults import Fault, Faults
from tests.support.chaos.history import Findings, check, runs_of
from tests.support.chaos.traffic import Account, Traffic
from tests.support.pods import Pods
from tests.support.postgresql import PostgreSQL, migrate
from tests.support.waiting import until_answer


@dataclass(frozen=True)
class Plan:
    """How much, and when which fault, in seconds after the first event."""

    events: int
    conversations: int
    rate: float
    lease_seconds: float
    kill_every_seconds: float
    restarts_at: tuple[float, ...]
    stop_at: float
    cut_at: float
    cut_seconds: float
    pods: int = 3
    settle_seconds: float = 60


@dataclass(frozen=True)
class Report:
    """What there is at the end."""

    account: Account
    faults: list[Fault]
    findings: Findings
    states: dict[str, int]
    lanes_left: int
    lost: list[str]
    refused_completions: int
    expired_runs: int

    def problems(self) -> list[str]:
        """What must not be; empty when all promises were kept."""
        return [
            *(f"lost: {key} was acknowledged and has not ended" for key in self.lost),
            *(f"out of order: {what}" for what in self.findings.out_of_order),
            *(f"at once in a lane: {what}" for what in self.findings.at_once),
            *(f"ran again without a reason: {what}" for what in self.findings.unexplained),
            *(f"{count} deliveries are {state}" for state, count in self.states.items() if state != "done"),
            *([f"{self.lanes_left} lanes are left with nothing in them"] if self.lanes_left else []),
        ]

    def counts(self) -> dict[str, object]:
        """For a reader."""
        takeovers = sorted(self.findings.takeover_seconds)
        return {
            "events sent": self.account.sent,
            "requests": self.account.requests,
            "answers": dict(self.account.statuses),
            "retries of Slack's": self.account.retries,
            "acknowledged": len(self.account.acknowledged),
            "given up by Slack": len(self.account.given_up),
            "faults": {what: sum(fault.what == what for fault in self.faults) for what in FAULTS},
            "runs": self.findings.runs,
            "ended": self.states,
            "lost": len(self.lost),
            "out of order": len(self.findings.out_of_order),
            "two runs of a lane at once": len(self.findings.at_once),
            "runs beside one of the stopped process": self.findings.beside_the_stopped,
            "completions refused, and said": self.refused_completions,
            "runs stopped because their lease could not be renewed": self.expired_runs,
            "doubled runs, by what explains them": dict(self.findings.doubled),
            "doubled runs without a reason": len(self.findings.unexplained),
            "takeover after a kill, median and worst in s": [
                round(takeovers[len(takeovers) // 2], 2),
                round(takeovers[-1], 2),
            ]
            if takeovers
            else None,
        }


FAULTS = ("kill", "stop", "cut", "restart")


def text(n: int) -> str:
    """A listener that takes 20 to 160 ms; one in twenty fails at its first attempt."""
    return f"n={n} work={0.02 * (1 + n % 8):.2f}" + (" fail=1" if n % 20 == 7 else "")


async def play(plan: Plan, server: PostgreSQL, directory: Path) -> Report:
    """Plays the plan. The server runs before and after."""
    url = server.new_database()
    database = url.rpartition("/")[2]
    await migrate(url)
    # An attempt that waits long would hold its lane beyond the end of the run.
    settings: dict[str, Any] = {"LEASE_SECONDS": plan.lease_seconds, "LOG_LEVEL": "INFO", "BACKOFF_CAP_SECONDS": 1}
    async with Pods(directory, url, plan.pods, **settings) as pods:
        faults = Faults(pods.pods, server)
        traffic = Traffic(pods.pods, plan.conversations, plan.rate, text)
        troubles = [
            asyncio.ensure_future(faults.kill_one_after_the_other(plan.kill_every_seconds)),
            asyncio.ensure_future(_at(plan.stop_at, faults.stop(pods.pods[1], 3 * plan.lease_seconds))),
            asyncio.ensure_future(_at(plan.cut_at, faults.cut(pods.pods[2], plan.cut_seconds))),
            *(asyncio.ensure_future(_at(at, faults.restart())) for at in plan.restarts_at),
        ]
        account = await traffic.send(plan.events)
        await asyncio.gather(*troubles[1:])
        troubles[0].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await troubles[0]
        for pod in pods.pods:
            if pod.app.exit_code is not None:  # cancelled between a kill and the start after it
                pod.start()
            await pod.app.until_ready()

        async def settled() -> bool:
            return await asyncio.to_thread(server.query, database, LIVE) == "0\n"

        with contextlib.suppress(AssertionError):  # then the report says so, and what
            await until_answer(settled, plan.settle_seconds, what="nothing is live any more")
        rows = json.loads(await asyncio.to_thread(server.query, database, ROWS))
        lanes_left = int(await asyncio.to_thread(server.query, database, "SELECT count(*) FROM lane"))
        order = {row["key"]: (row["lane"], row["id"]) for row in rows}
        done = {row["key"] for row in rows if row["state"] == "done"}
        runs = runs_of(pods.listener_log.entries(), faults.done)
        really = {run.key for run in runs if run.how == "done"}
        return Report(
            account=account,
            faults=faults.done,
            findings=check(runs, faults.done, order),
            states={state: sum(row["state"] == state for row in rows) for state in {row["state"] for row in rows}},
            lanes_left=lanes_left,
            lost=sorted(account.acknowledged - (done & really)),
            refused_completions=pods.logged("completion refused: the lane is another's by now"),
            expired_runs=pods.logged("lease not renewed in time: run stopped"),
        )


LIVE = "SELECT count(*) FROM delivery WHERE state = 'live'"
ROW = "json_build_object('key', key, 'lane', lane, 'id', id, 'state', state)"
ROWS = f"SELECT coalesce(json_agg({ROW}), '[]') FROM delivery"


async def _at(seconds: float, fault: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await fault
