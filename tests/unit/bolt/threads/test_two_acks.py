"""Which of several acks Slack is answered with, where listeners run in threads: the same as with Bolt itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from anchorbolt.bolt import listener_runner
from anchorbolt.emulator.samples import make
from slack_bolt import Ack

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.threads.test_sync_app import an_app, of


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second ack has time, however slow the machine is."""
    monkeypatch.setattr(listener_runner, "SECOND_ACK_SECONDS", 30)


@pytest.mark.usefixtures("unhurried")
async def test_the_last_of_two_acks_in_a_row_counts(app_with: AppWith, slack: Any) -> None:
    """A listener that acknowledges first and checks then, as Bolt lets it, answers with what it found."""
    app = an_app(slack)

    @app.command("/approval")
    def command(ack: Ack) -> None:
        ack("first")
        ack("second")

    async with app_with(of(app)) as server:
        answers = [await server.player.send(make("command")) for _ in range(20)]
        assert {(answer.status, answer.body) for answer in answers} == {(200, b"second")}
        assert await server.rows() == 0  # each had ended before it was answered: nothing had to be stored


async def test_an_ack_after_the_answer_changes_nothing(app_with: AppWith, slack: Any) -> None:
    """What a thread acknowledges after Slack was answered is no error, and reaches nobody."""
    app, go = an_app(slack), threading.Event()

    @app.command("/approval")
    def command(ack: Ack) -> None:
        ack("first")
        go.wait(30)
        ack("second")

    async with app_with(of(app)) as server:
        answer = await server.player.send(make("command"))
        assert (answer.status, answer.body) == (200, b"first")
        go.set()
        assert (await server.until_ended(answer.sample.key)).state == "done"


async def test_the_ack_of_a_lazy_function_changes_nothing(app_with: AppWith, slack: Any) -> None:
    """Slack is answered with the listener's own ack, before its lazy functions begin."""
    app, ended = an_app(slack), []

    def later(ack: Ack) -> None:
        ack("lazy")
        ended.append(1)

    app.command("/approval")(ack=lambda ack: ack("first"), lazy=[later])

    async with app_with(of(app)) as server:
        answer = await server.player.send(make("command"))
        assert (answer.status, answer.body) == (200, b"first")
        assert (await server.until_ended(answer.sample.key)).state == "done"
    assert ended == [1]


async def test_only_a_lazy_function_acknowledges(app_with: AppWith, slack: Any) -> None:
    """That is no ack, as with Bolt: Slack is told of a failure, and the lazy function does not run."""
    app, ran = an_app(slack), []

    def later(ack: Ack) -> None:
        ran.append(1)
        ack("lazy")

    app.command("/approval")(ack=lambda: None, lazy=[later])

    async with app_with(of(app), ack_deadline_seconds=1.0) as server:
        answer = await server.player.send(make("command"))
        assert (answer.status, answer.body) == (503, b'{"error": "no_ack"}')
    assert ran == []


async def test_an_ack_after_the_deadline_is_refused(app_with: AppWith, slack: Any) -> None:
    """Slack's user was shown a failure, so the listener is told so: what it would do next must not happen."""
    app, go, raised = an_app(slack), threading.Event(), []

    @app.command("/approval")
    def command(ack: Ack) -> None:
        go.wait(30)
        try:
            ack("late")
        except BaseException as error:
            raised.append(type(error).__name__)
            raise

    async with app_with(of(app), ack_deadline_seconds=1.0) as server:
        answer = await server.player.send(make("command"))
        assert answer.status == 503
        go.set()
        await until(lambda: bool(raised), what="the thread has gone on")
    assert raised == ["CancelledError"]
