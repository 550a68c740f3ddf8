"""The history of a synchronous listener has its stack: where it raised, and where its thread stood when it was cut."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from anchorbolt.bolt.adopt.app_object import adopt
from anchorbolt.delivery import Attempt
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.encryption import MARK
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.history import Past
from anchorbolt.worker.record import MOST_OF_TRACEBACK
from anchorbolt.worker.runs import Cut
from slack_bolt import App as SlackApp
from slack_sdk import WebClient
from structlog.testing import capture_logs

from tests.support.app_in_process import App, app_in_process
from tests.support.postgresql import migrate
from tests.support.waiting import until

KEY = base64.b64encode(b"k" * 32).decode()
# More frames than are kept, of lines that differ: Python would write equal ones once.
DEEP = 120
With = Callable[[Callable[..., None], float], AbstractAsyncContextManager[App]]


class Hanging:
    """A listener that hangs in a thread until it is released, deep in calls and beside a secret."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = 0

    def listen(self) -> None:
        """The listener."""
        self.began += 1
        if self.began > 1:
            raise LookupError("so that it is a dead letter, whose history is kept")
        self.deeper(DEEP)

    def deeper(self, left: int) -> None:
        """Calls itself from two lines in turn."""
        if left == 0:
            return self.stands_here("xoxb-1234567890-PLANTED")
        if left % 2:
            return self.deeper(left - 1)
        return self.deeper(left - 1)

    def stands_here(self, _: str) -> None:
        """The innermost of its functions."""
        self.go.wait(60)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """One that is released with the test."""
    made = Hanging()
    yield made
    made.go.set()


@pytest.fixture(params=["sqlite", "postgresql"])
async def running_with(request: pytest.FixtureRequest, slack: Emulator, tmp_path: Path) -> With:
    """The app with one synchronous listener and a time limit in seconds, on each database, which is encrypted."""
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    if request.param == "postgresql":
        url = await asyncio.to_thread(request.getfixturevalue("shared_postgres").new_database)
        await migrate(url)

    def running(listener: Callable[..., None], run_timeout_seconds: float) -> AbstractAsyncContextManager[App]:
        client = WebClient(token="xoxb-made-up", base_url=slack.api_url)
        team = SlackApp(client=client, signing_secret="", token_verification_enabled=False)
        team.event("app_mention")(listener)
        return app_in_process(
            lambda bolt: adopt(cast("Any", bolt), team),
            slack_api_url=slack.api_url,
            database_url=url,
            token_keys=KEY,
            run_timeout_seconds=run_timeout_seconds,
        )

    return running


async def history(server: App, key: str | None) -> list[Past]:
    """What `inbox show` has of the attempts; what is stored of them is encrypted."""
    assert key is not None
    row = await server.stored(key)
    assert row is not None
    assert all(line.startswith(MARK) for line in row.history.splitlines())
    assert "stands_here" not in row.history
    database, encryption = server.parts.inbox.database, server.parts.inbox.encryption
    assert encryption is not None
    entry = await database.transact(lambda c: Admin(database.dialect, encryption.keys).find(c, key))
    assert entry is not None
    return entry.attempts_before


def stack_of(past: Past) -> str:
    """Its traceback, which is that of the listener, bounded, and without the secret of its source lines."""
    assert past.traceback is not None
    assert "self.go.wait(60)" in past.traceback
    assert "in stands_here" in past.traceback
    assert "PLANTED" not in past.traceback
    assert len(past.traceback) <= MOST_OF_TRACEBACK
    return past.traceback


def runs_of(server: App) -> list[Any]:
    """What the worker runs now."""
    return list(server.parts.worker._runs)


async def test_where_a_thread_stood_at_its_limit(running_with: With, hanging: Hanging) -> None:
    """An attempt that took longer than RUN_TIMEOUT_SECONDS has the stack of its thread at that moment."""
    async with running_with(hanging.listen, 1.0) as server:
        ack = await server.player.send(make("app_mention"))
        await until(lambda: hanging.began == 1, what="the thread has begun")
        (running,) = runs_of(server)
        await until(lambda: running.run.calls.closed, what="its time is over")
        hanging.go.set()
        await server.until_ended(ack.sample.key)
        past = await history(server, ack.sample.key)
    # On a machine that is busy, one before it may have ended before its thread began.
    (hung,) = [one for one in past if "stands_here" in (one.traceback or "")]
    assert hung.reason == "run_timeout"
    assert "RunTimeoutError: it took longer than RUN_TIMEOUT_SECONDS (1)" in stack_of(hung)


async def test_where_a_thread_stood_when_it_was_cancelled(running_with: With, hanging: Hanging) -> None:
    """A run that an operator has cancelled has the stack of its thread at that moment, and the log has it at once."""
    async with running_with(hanging.listen, 60) as server:
        ack = await server.player.send(make("app_mention"))
        await until(lambda: hanging.began == 1, what="the thread has begun")
        (running,) = runs_of(server)
        running.cancelled_by = "ann"
        running.stop(Cut.CANCELLED)
        with capture_logs() as logs:
            await until(lambda: running.run.stood_at is not None, what="its stack was looked at")
        hanging.go.set()
        await server.until_ended(ack.sample.key)
        (past,) = await history(server, ack.sample.key)
    (told,) = [line for line in logs if line["event"] == "a thread goes on"]
    assert told["key"] == ack.sample.key
    assert told["where"].endswith("in stands_here")
    assert "PLANTED" not in told["traceback"]
    assert past.outcome == "cancelled"
    assert "cancelled by ann" in stack_of(past)


async def test_where_a_thread_raised(running_with: With) -> None:
    """An error of a synchronous listener has its traceback in the history of both databases."""

    def raises(delivery: Attempt) -> None:
        token = "xoxb-1234567890-PLANTED"
        raise LookupError(f"no {token}, at attempt {delivery.attempt}")

    async with running_with(raises, 60) as server:
        ack = await server.player.send(make("app_mention"))
        await server.until_ended(ack.sample.key)
        (past,) = await history(server, ack.sample.key)
    assert past.outcome == "dead"
    assert past.traceback is not None
    assert "in raises" in past.traceback
    assert "at attempt 1" in past.traceback
    assert "PLANTED" not in past.traceback
