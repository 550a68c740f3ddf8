"""What each part of an event's way costs alone: the parts in one process, stacked one on the other, without sockets.

python -m bench.parts                    CPU microseconds a delivery, lowest of some repeats
python -m bench.parts --profile runner   the functions below that stack, by their own time
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from anchorbolt.bolt import listeners
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery
from anchorbolt.delivery.parse import parse
from anchorbolt.http import application
from anchorbolt.http.bolt_adapter import BoltAdapter
from anchorbolt.http.limits.connections import MAX_CONNECTIONS
from anchorbolt.http.signature import Signature
from anchorbolt.http.slack_route import SlackRoute
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.intake.events import Events
from anchorbolt.intake.intake import Intake
from anchorbolt.intake.interactions import Interactions
from anchorbolt.lifecycle import garbage_collection
from anchorbolt.telemetry import logs
from anchorbolt.worker.verdict import Limits
from anchorbolt.worker.worker import Worker
from rich.console import Console
from rich.table import Table
from slack_bolt.middleware.authorization.async_single_team_authorization import AsyncSingleTeamAuthorization
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from starlette.types import ASGIApp

from bench.listeners.plan import plan, targets
from bench.load.prepare import SIGNING_SECRET, prepare
from bench.scratch import scratch

AT_ONCE = 64
COUNT = 3_000
One = Callable[[bytes], Awaitable[None]]


class _Canned:
    """A Web API that answers before it is asked: what is left is the SDK's own cost."""

    closed = False
    status = 200
    content_type = "application/json"
    headers: dict[str, str] = {"content-type": "application/json"}  # noqa: RUF012 - never changed

    def request(self, *_: Any, **__: Any) -> _Canned:
        return self

    async def __aenter__(self) -> _Canned:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def json(self) -> dict[str, Any]:
        return {"ok": True, "ts": "1760000000.000100"}


class _NoBolt:
    """A dispatch that is over at once."""

    async def answer(self, run: Run) -> None:
        return None

    async def conclude_failure(self, run: Run) -> None:
        return None

    async def report_failure(self, delivery: Delivery, reason: str) -> None:
        return None


class _NoEvents:
    """An inbox that has it before it is asked."""

    async def accept(self, delivery: Delivery, deadline: float, retry_num: object = None) -> bool:
        return True


class Parts:
    """The app's parts, open, and the stacks of them."""

    def __init__(self, path: Path | None) -> None:
        self._workers: list[Worker] = []
        self.inbox = Inbox(SqliteDatabase(path), lease_seconds=15)
        self.bolt = BoltApp(token="xoxb-bench", api_url="http://127.0.0.1:1/api/")
        listeners.register(self.bolt, "bench.listeners.twenty")

    async def open(self) -> None:
        await self.inbox.open()
        self.bolt.client.session = _Canned()  # type: ignore[assignment]
        for middleware in self.bolt._async_middleware_list:
            if isinstance(middleware, AsyncSingleTeamAuthorization):
                middleware.auth_test_result = _auth_test()
        # The runner waits a second after its start before it takes lanes.
        await asyncio.sleep(1.1)

    async def all_ended(self) -> None:
        """What was acknowledged and runs or waits still belongs to the cost."""
        for runner in self._workers:
            await runner.finish(30)
        if await self.inbox.waits(0.0):
            await asyncio.sleep(0.05)
            await self.all_ended()

    def stacks(self) -> dict[str, Callable[[], Awaitable[One]]]:
        """Each makes its stack when it is that one's turn, and ends the one before: no two workers share the inbox."""
        return {
            "parse": partial(self._alone, self._parse),
            "inbox": partial(self._alone, self._inbox),
            "Bolt and SDK": partial(self._alone, self._bolt),
            "route": partial(self._through, None, framework=False),
            "route, worker and inbox": partial(self._through, _NoBolt(), framework=False),
            "the same, Bolt and SDK": partial(self._through, self.bolt, framework=False),
            "the same under FastAPI": partial(self._through, self.bolt, framework=True),
        }

    async def _alone(self, one: One) -> One:
        return one

    async def _parse(self, request: bytes) -> None:
        parse(_body(request), "application/json")

    async def _inbox(self, request: bytes) -> None:
        delivery = parse(_body(request), "application/json")
        assert isinstance(delivery, Delivery)
        item = Item(delivery.key, delivery.key, "event", delivery.content_type, delivery.body, take=True)
        held = (await self.inbox.accept(item, time.monotonic() + 5)).held
        assert held is not None
        await self.inbox.complete(Outcome(held.lease, held.stored.id, End.DONE))

    async def _bolt(self, request: bytes) -> None:
        delivery = parse(_body(request), "application/json")
        assert isinstance(delivery, Delivery)
        run = Run(delivery, Attempt(delivery.key, delivery.kind))
        await self.bolt.answer(run)
        assert run.error is None, run.error

    async def _through(self, dispatch: Any, *, framework: bool) -> One:
        while self._workers:
            await self._workers.pop().stop()
        worker = Worker(self.inbox, dispatch or _NoBolt(), Limits(8, 5, 1, 300, 600), concurrency=100)
        worker.start()
        self._workers.append(worker)
        intake = Intake(
            Events(self.inbox, worker) if dispatch else _NoEvents(),  # type: ignore[arg-type]
            Interactions(self.inbox, worker),
            max_in_flight=512,
            deadline_seconds=2.5,
        )
        route = SlackRoute(
            intake,
            Signature((SIGNING_SECRET,)),
            BoltAdapter(self.bolt),
            max_body_bytes=1_048_576,
            max_connections=MAX_CONNECTIONS,
        )
        asked: ASGIApp = application.Application(route) if framework else route

        async def one(request: bytes) -> None:
            statuses: list[int] = []

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": _body(request), "more_body": False}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            await asked(_scope(request), receive, send)
            assert statuses == [200], statuses

        return one


async def _cost(one: One, requests: list[bytes], parts: Parts) -> float:
    """CPU microseconds a request, with AT_ONCE of them under way, until all has ended."""
    waiting = iter(requests)

    async def send_some() -> None:
        for request in waiting:
            await one(request)

    began = time.process_time()
    await asyncio.gather(*(send_some() for _ in range(AT_ONCE)))
    await parts.all_ended()
    return 1e6 * (time.process_time() - began) / len(requests)


async def _measure(options: argparse.Namespace, path: Path | None) -> None:
    parts = Parts(path)
    await parts.open()
    garbage_collection.calm()
    stacks = parts.stacks()
    names, job = targets(plan(20, "event"), "event"), 1
    if options.profile:
        profile = cProfile.Profile()
        one, requests = await stacks[options.profile](), prepare("event", names, job, COUNT)
        profile.enable()
        await _cost(one, requests, parts)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        return
    table = Table("stack", "CPU us", title=f"An event, {'SQLite' if path else 'in memory'}, {AT_ONCE} at once")
    for name, stack in stacks.items():
        one, found = await stack(), []
        for _ in range(options.repeats):
            found.append(await _cost(one, prepare("event", names, job, COUNT), parts))
            job += COUNT
        table.add_row(name, f"{min(found):.0f}")
    Console().print(table)


def _body(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def _scope(request: bytes) -> dict[str, Any]:
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    headers = [(name.lower(), value) for name, _, value in (line.partition(b": ") for line in lines)]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/slack/events",
        "raw_path": b"/slack/events",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 3000),
        "state": {},
    }


def _auth_test() -> AsyncSlackResponse:
    data = {"ok": True, "bot_id": "B0BENCH001", "user_id": "U0BENCHBOT", "team_id": "T0BENCH001"}
    return AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers={}, status_code=200
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", metavar="STACK")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="in memory instead of a SQLite file")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    logs.configure("WARNING", as_json=True)
    with scratch("parts") as directory:
        uvloop.run(_measure(options, None if options.memory else directory / "inbox.db"))


if __name__ == "__main__":
    main()
