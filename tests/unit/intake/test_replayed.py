"""A signed interaction that is sent again does not run again: it gets the answer of the first."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from anchorbolt.emulator.player import Ack
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.sample import FORM
from anchorbolt.intake.replays import REMEMBERED_SECONDS
from anchorbolt.socket_mode.envelopes import EnvelopeAnswer, Envelopes
from anchorbolt.socket_mode.message import Envelope
from anchorbolt.telemetry import metrics
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from tests.support.app_in_process import App
from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith, app_with, slack

__all__ = ["app_with", "slack"]

ANY = re.compile("")
KINDS = ("command", "shortcut", "message_action", "view_submission", "block_actions")


class Listeners:
    """A listener for every kind: it counts its runs, answers with their number, and waits where a test says so."""

    def __init__(self) -> None:
        self.runs = 0
        self.go = asyncio.Event()
        self.go.set()
        self.after = asyncio.Event()
        self.after.set()

    def register(self, app: AsyncApp) -> None:
        """Registers it for what the samples send."""

        async def listener(ack: AsyncAck) -> None:
            self.runs += 1
            await self.go.wait()
            await ack(f"run {self.runs}")
            await self.after.wait()

        app.command(ANY)(listener)
        app.shortcut(ANY)(listener)
        app.view(ANY)(listener)
        app.action(ANY)(listener)
        app.options(ANY)(listener)


async def send_together(app: App, sample: Sample, times: int) -> list[Ack]:
    """Sends one request several times at once."""
    return await asyncio.gather(*(app.player.send(sample) for _ in range(times)))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_replay_runs_nothing_and_gets_the_first_answer(app_with: AppWith, kind: str) -> None:
    """Of a request that comes five times, one after the other or at once, one runs; all answers are that one's."""
    listeners = Listeners()
    counted = metrics.duplicates.value()
    async with app_with(listeners.register) as app:
        sample = make(kind)
        acks = [await app.player.send(sample), await app.player.send(sample), *await send_together(app, sample, 3)]
    assert [(ack.status, ack.body) for ack in acks] == [(200, acks[0].body)] * 5
    assert listeners.runs == 1
    assert metrics.duplicates.value() == counted + 4


async def test_another_trigger_is_another_request(app_with: AppWith) -> None:
    """The same button pressed twice, and a select that asks twice, run twice."""
    listeners = Listeners()
    async with app_with(listeners.register) as app:
        for _ in range(2):
            assert (await app.player.send(make("block_actions"))).status == 200
        options = make("block_suggestion")
        for _ in range(2):
            assert (await app.player.send(options)).status == 200
    assert listeners.runs == 4


async def test_a_replay_waits_for_the_answer_of_the_first(app_with: AppWith) -> None:
    """While the first still runs nobody is told that it is done, and then all are told the same."""
    listeners = Listeners()
    listeners.go.clear()
    async with app_with(listeners.register) as app:
        sending = asyncio.ensure_future(send_together(app, make("command"), 3))
        await until(lambda: app.intake.in_flight == 3 and listeners.runs, what="all three are there")
        assert not sending.done()
        listeners.go.set()
        assert {ack.body for ack in await sending} == {b"run 1"}


async def test_a_failure_is_told_again(app_with: AppWith) -> None:
    """Who sends again what failed is told of that failure, and the listener does not run a second time."""
    runs: list[str] = []

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def fails() -> None:
            runs.append("run")
            raise ValueError("no")

        @app.action(ANY)
        async def cannot_be_sent(ack: AsyncAck) -> BoltResponse:
            runs.append("run")
            return await ack("\ud800")  # half of a surrogate pair

    async with app_with(register) as app:
        for kind in ("command", "block_actions"):
            sample = make(kind)
            first, second = await app.player.send(sample), await app.player.send(sample)
            assert (first.status, first.body) == (second.status, second.body)
    assert first.status == 503
    assert runs == ["run", "run"]


async def test_what_is_stored_is_recognised_after_a_restart(app_with: AppWith, tmp_path: Path) -> None:
    """Another process on the same inbox knows the key of an interaction that was stored: 200, and nothing runs."""
    listeners = Listeners()
    listeners.after.clear()
    place = f"sqlite+aiosqlite:///{tmp_path / 'inbox.db'}"
    sample = make("command")
    async with app_with(listeners.register, database_url=place) as app:
        assert (await app.player.send(sample)).body == b"run 1"
        listeners.after.set()
        await app.until_ended(sample.key)
    async with app_with(listeners.register, database_url=place) as app:
        again = await app.player.send(sample)
    assert (again.status, again.body, listeners.runs) == (200, b"", 1)


async def test_after_five_minutes_it_is_forgotten(app_with: AppWith) -> None:
    """A key is kept for as long as a signature is valid, and no longer."""
    listeners = Listeners()
    async with app_with(listeners.register) as app:
        replays = app.intake._interactions._replays
        now = replays._clock()
        sample = make("command")
        await app.player.send(sample)
        assert len(replays) == 1
        replays._clock = lambda: now + REMEMBERED_SECONDS + 60
        assert replays.find(str(sample.key)) is None
        assert len(replays) == 0


async def test_a_command_runs_while_the_inbox_is_away(app_with: AppWith) -> None:
    """Where the store cannot tell whether it has a command, the command runs; its replay is recognised all the same."""
    listeners = Listeners()
    async with app_with(listeners.register) as app:
        app.parts.inbox.store.up = False
        sample = make("command")
        assert [(await app.player.send(sample)).body for _ in range(2)] == [b"run 1", b"run 1"]


def envelope(sample: Sample, retries: int = 0) -> Envelope:
    """The sample as Slack sends it over a connection."""
    return Envelope(f"e{retries}", sample.content_type, sample.body, retries, "timeout" if retries else None)


async def test_a_retry_of_socket_mode_is_told_the_same(app_with: AppWith) -> None:
    """An envelope that Slack sends again, as a retry with another id, is acknowledged as the first was."""
    listeners = Listeners()
    async with app_with(listeners.register) as app:
        envelopes = Envelopes(app.parts.bolt, app.intake)
        sample = make("command")
        assert sample.content_type == FORM
        first = await envelopes.answer(envelope(sample))
        second = await envelopes.answer(envelope(sample, retries=1))
    assert isinstance(first, EnvelopeAnswer)
    assert first.payload == {"text": "run 1"}
    assert second == first
    assert listeners.runs == 1
