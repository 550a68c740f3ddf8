"""What a listener raises, and what it never says, is known: an attempt, or a failure that Slack is told of."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.script import Line
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay
from slack_bolt.response import BoltResponse
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith


class OursError(ConnectionError):
    """What the listeners of these tests raise: a transient error."""


async def test_an_event_listener_that_raises_is_tried_again(app_with: AppWith) -> None:
    """An event whose listener raises is an attempt; once it does not, the delivery is done."""
    attempts: list[int] = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            attempts.append(len(attempts) + 1)
            if len(attempts) < 3:
                raise OursError

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        assert ack.status == 200
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts, row.error) == ("done", 3, None)


async def test_raised_before_the_ack(app_with: AppWith) -> None:
    """A command that raises before its ack is a 503 at once: Slack tells the user, and nothing is stored."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command() -> None:
            raise OursError

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (503, b'{"error": "listener_failed"}')
        assert await app.rows() == 0


async def test_raised_right_after_the_ack(app_with: AppWith) -> None:
    """A command that raises right after its ack is a 200 and stored: its next attempt runs from the top."""
    attempts: list[int] = []

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack("fine")
            attempts.append(1)
            if len(attempts) == 1:
                raise OursError

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b"fine")
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts) == ("done", 2)
    assert len(attempts) == 2


async def test_raised_long_after_the_ack(app_with: AppWith) -> None:
    """A command that raises when its 200 is long gone is a failed attempt, with its error in the inbox."""
    go = asyncio.Event()

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()
            await go.wait()
            raise OursError("too late")

    async with app_with(register, max_attempts=1) as app:
        ack = await app.player.send(make("command"))
        assert ack.status == 200
        go.set()
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.error) == ("dead", "OursError: too late")


async def test_an_error_handler_that_says_nothing(app_with: AppWith) -> None:
    """Where @app.error only looks on, there is another attempt; it is called once, when the last one has failed."""
    seen: list[Exception] = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise OursError

        @app.error
        async def look(error: Exception) -> None:
            seen.append(error)

    async with app_with(register, max_attempts=2) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts) == ("dead", 2)
    assert [type(error) for error in seen] == [OursError]


async def test_an_error_handler_that_answers(app_with: AppWith) -> None:
    """Where @app.error returns a response, the error is handled: the event is done, a command gets that response.

    Of an event it is called after its last attempt.
    """

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise OursError

        @app.command("/approval")
        async def command() -> None:
            raise OursError

        @app.error
        async def handle(error: Exception) -> BoltResponse:
            return BoltResponse(status=200, body=f"sorry: {type(error).__name__}")

    async with app_with(register, max_attempts=3) as app:
        event = await app.player.send(make("app_mention"))
        row = await app.until_ended(event.sample.key)
        assert (row.state, row.attempts, row.error) == ("done", 3, None)
        command = await app.player.send(make("command"))
        assert (command.status, command.body) == (200, b"sorry: OursError")
        assert await app.stored(command.sample.key) is None


async def test_an_error_handler_that_raises(app_with: AppWith) -> None:
    """Where @app.error itself raises, the delivery is a failed attempt, and a command a 503."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise OursError

        @app.command("/approval")
        async def command() -> None:
            raise OursError

        @app.error
        async def worse(error: Exception) -> BoltResponse:
            raise LookupError("of the handler")

    async with app_with(register, max_attempts=1) as app:
        event = await app.player.send(make("app_mention"))
        row = await app.until_ended(event.sample.key)
        assert (row.state, row.error) == ("dead", "LookupError: of the handler")
        assert (await app.player.send(make("command"))).status == 503


@pytest.mark.parametrize("raised", [LookupError, TypeError, RuntimeError])
async def test_an_error_handler_that_raises_over_a_middleware(app_with: AppWith, raised: type[Exception]) -> None:
    """Before any listener too, whatever @app.error raises: the log says what, and the payload is not to blame."""

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def fails() -> None:
            raise OursError

        @app.error
        async def worse(error: Exception) -> None:
            raise raised("of the handler")

    with capture_logs() as lines:
        async with app_with(register, max_attempts=1) as app:
            event = await app.player.send(make("app_mention"))
            row = await app.until_ended(event.sample.key)
            assert (row.state, row.error) == ("dead", f"{raised.__name__}: of the handler")
            command = await app.player.send(make("command"))
            assert (command.status, command.body) == (503, b'{"error": "listener_failed"}')
    (end,) = [line for line in lines if line["event"] == "delivery ended" and line["key"] == command.sample.key]
    assert "in fails" in next(line["traceback"] for line in lines if line["event"] == "middleware raised")
    assert (end["outcome"], end["error"]) == ("failed", f"{raised.__name__}: of the handler")


async def test_never_acknowledged(app_with: AppWith) -> None:
    """No ack by the deadline: 503, the listener is cancelled, nothing is stored, and no place is kept."""
    ended = []

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

    async with app_with(register, ack_deadline_seconds=0.1, max_in_flight=1) as app:
        for times in (1, 2):
            ack = await app.player.send(make("command"))
            assert (ack.status, ack.body) == (503, b'{"error": "ack_timeout"}')
            await until(lambda times=times: len(ended) == times, what="it is cancelled")  # type: ignore[misc]
            await asyncio.sleep(0)  # its place is free once it has really ended
        assert await app.rows() == 0


async def test_middleware_that_never_ends(app_with: AppWith) -> None:
    """What stands still before any listener is cut by the same deadline."""

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def stands_still() -> None:
            await asyncio.Event().wait()

    async with app_with(register, ack_deadline_seconds=0.1) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (503, b'{"error":"ack_timeout"}')


async def test_ended_without_an_ack(app_with: AppWith) -> None:
    """A command that returns, and that nothing acknowledges by the deadline, is a 503; no other listener runs."""
    ran = []

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def forgets() -> None:
            ran.append("first")

        @app.command("/approval")
        async def second(ack: AsyncAck) -> None:
            ran.append("second")
            await ack()

    async with app_with(register, ack_deadline_seconds=0.1) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (503, b'{"error": "no_ack"}')
    assert ran == ["first"]


async def test_acknowledged_by_a_task_of_the_listeners_own(app_with: AppWith) -> None:
    """A command whose listener returns, and leaves its ack to a task of its own, is answered with that ack."""
    tasks = set()

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            async def later() -> None:
                for _ in range(5):  # the listener has returned long before
                    await asyncio.sleep(0)
                await ack("a moment later")

            tasks.add(asyncio.create_task(later()))

    async with app_with(register) as app:
        ack = await app.player.send(make("command"))
        assert (ack.status, ack.body) == (200, b"a moment later")


async def test_a_listener_that_cancels_itself(app_with: AppWith) -> None:
    """A listener whose own task group cancels it has failed: the delivery is tried again, not lost."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise asyncio.CancelledError

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()
            raise asyncio.CancelledError

    async with app_with(register, max_attempts=1) as app:
        for kind in ("app_mention", "command"):
            ack = await app.player.send(make(kind))
            assert ack.status == 200
            assert (await app.until_ended(ack.sample.key)).state == "dead"


async def test_a_run_that_takes_too_long(app_with: AppWith) -> None:
    """Past RUN_TIMEOUT_SECONDS a run is cancelled, and a failed attempt, whether an event's or a command's."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            await asyncio.Event().wait()

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()
            await asyncio.Event().wait()

    async with app_with(register, max_attempts=1, run_timeout_seconds=0.1) as app:
        for kind in ("app_mention", "command"):
            ack = await app.player.send(make(kind))
            row = await app.until_ended(ack.sample.key)
            assert row.state == "dead"
            assert "RUN_TIMEOUT_SECONDS (0.1)" in row.error


async def test_where_it_failed_is_in_the_log(app_with: AppWith, slack: Emulator) -> None:
    """The log names the line that raised and Slack's word for it, and quotes neither what was sent nor the answer."""
    slack.script.add(Line(method="chat.postMessage", error="channel_not_found"))

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(say: AsyncSay) -> None:
            await say("nobody's business")

    with capture_logs() as lines:
        async with app_with(register) as app:
            ack = await app.player.send(make("app_mention"))
            row = await app.until_ended(ack.sample.key)
    # What no repetition mends is a dead letter at once.
    assert (row.state, row.attempts, row.error) == ("dead", 1, "SlackApiError: channel_not_found")
    (line,) = [line for line in lines if line["event"] == "listener raised"]
    assert "in mentioned" in line["traceback"]
    (end,) = [line for line in lines if line["event"] == "delivery ended"]
    assert end["error"] == "SlackApiError: channel_not_found"
    for line in lines:
        line.pop("traceback", None)  # it quotes the source, which says so
    assert "nobody's business" not in str(lines)
