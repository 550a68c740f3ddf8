"""A run that is cut short leaves the stack of its listener, wherever that ran: in the history and in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from anchorbolt.emulator.samples import make
from anchorbolt.inbox.history import read
from slack_bolt.async_app import AsyncAck, AsyncApp
from structlog.testing import capture_logs

from tests.support.app_in_process import App
from tests.support.waiting import until, until_answer
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.test_holding_back import cancel


class Hanging:
    """Functions that hang, each in another part of a run."""

    def __init__(self) -> None:
        self.began = 0

    async def stands_here(self) -> None:
        """Hangs, beside a secret."""
        token = "xoxb-1234567890-PLANTED"
        self.began += 1
        await asyncio.Event().wait()
        raise LookupError(token)

    async def acknowledges(self, ack: AsyncAck) -> None:
        """Goes on after its ack."""
        await ack()
        await self.stands_here()

    async def lazy(self) -> None:
        """A lazy function."""
        await self.stands_here()

    def event(self, app: AsyncApp) -> None:
        """The listener of an event hangs."""
        app.event("app_mention")(self.lazy)

    def event_lazy(self, app: AsyncApp) -> None:
        """A lazy function of an event hangs."""
        app.event("app_mention")(ack=at_once, lazy=[self.lazy])

    def command(self, app: AsyncApp) -> None:
        """A command hangs after its ack."""
        app.command("/approval")(self.acknowledges)

    def command_lazy(self, app: AsyncApp) -> None:
        """A lazy function of a command hangs."""
        app.command("/approval")(ack=at_once, lazy=[self.lazy])


async def at_once(ack: AsyncAck) -> None:
    """Acknowledges, and has nothing else to do."""
    await ack()


Part = Callable[[Hanging, AsyncApp], None]
PARTS = pytest.mark.parametrize(
    "part", [Hanging.event, Hanging.event_lazy, Hanging.command, Hanging.command_lazy], ids=lambda part: part.__name__
)


async def begun(app: App, hanging: Hanging, part: Part) -> str:
    """Sends what hangs; returns its key once it does and is stored."""
    kind = "app_mention" if part in {Hanging.event, Hanging.event_lazy} else "command"

    async def acknowledged() -> str | None:
        hanging.began = 0
        ack = await app.player.send(make(kind))
        return str(ack.sample.key) if ack.status == 200 else None

    # On a machine that is busy, no answer may come before the deadline of an ack.
    key = await until_answer(acknowledged, what="it is acknowledged")
    await until(lambda: hanging.began, what="it hangs")
    assert await app.stored(key) is not None
    return key


def seen_in(traceback: str | None) -> str:
    """The traceback, which is that of the listener and has no secret."""
    assert traceback is not None
    assert "in stands_here" in traceback
    assert "await asyncio.Event().wait()" in traceback
    assert "PLANTED" not in traceback
    return traceback


def logged(lines: Iterable[Any], key: str) -> Any:
    """The one line that has the stack, and names the delivery."""
    (line,) = [line for line in lines if line["event"] == "cut short" and line["key"] == key]
    assert line["where"].endswith("in stands_here")
    assert line["listener"] is not None
    seen_in(line["traceback"])
    return line


@PARTS
async def test_where_it_stood_when_it_was_cancelled(app_with: AppWith, part: Part) -> None:
    """Of a run that an operator has cancelled, both have the stack, and the history says who cancelled it."""
    hanging = Hanging()
    with capture_logs() as lines:
        async with app_with(lambda bolt: part(hanging, bolt)) as app:
            key = await begun(app, hanging, part)
            assert await cancel(app, key) == "running"
            row = await app.until_ended(key)
    (past,) = read(row.history)
    assert (row.state, past.outcome) == ("cancelled", "cancelled")
    assert "cancelled by ann@host" in seen_in(past.traceback)
    assert "cancelled by ann@host" in logged(lines, key)["error"]


@PARTS
async def test_where_it_stood_at_its_limit(app_with: AppWith, part: Part) -> None:
    """Of a run whose time was over, both have the stack."""
    hanging = Hanging()
    with capture_logs() as lines:
        async with app_with(lambda bolt: part(hanging, bolt), run_timeout_seconds=1.0) as app:
            key = await begun(app, hanging, part)
            row = await app.until_ended(key)  # by another attempt, which hangs too
    assert row.state == "dead"
    of_it = [line for line in lines if line["event"] == "cut short" and line["key"] == key]
    # On a machine that is busy, the time of one of the two may be over before its listener began.
    for past in [past for past in read(row.history) if "stands_here" in (past.traceback or "")]:
        assert past.reason == "run_timeout"
        assert "RunTimeoutError: it took longer than RUN_TIMEOUT_SECONDS (1)" in seen_in(past.traceback)
        (told,) = (line for line in of_it if line["attempt"] == past.attempt)
        assert told["where"].endswith("in stands_here")
    assert any("stands_here" in line.get("traceback", "") for line in lines)


async def test_a_drain_that_hands_back_logs_no_stack(app_with: AppWith) -> None:
    """A run that a drain hands back is not at fault: the log names its delivery, without a traceback."""
    hanging = Hanging()
    with capture_logs() as lines:
        async with app_with(hanging.event_lazy) as app:
            await begun(app, hanging, Hanging.event_lazy)
    assert [line["outcome"] for line in lines if line["event"] == "delivery ended"] == ["handed back"]
    assert [line for line in lines if line["event"] == "cut short"] == []
