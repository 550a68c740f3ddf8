"""`app.listener_runner.listener_start_handler` and `listener_completion_handler`: called as stock Bolt calls them."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.samples import make
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.listener.async_listener_completion_handler import AsyncCustomListenerCompletionHandler
from slack_bolt.listener.async_listener_start_handler import AsyncCustomListenerStartHandler

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith


def handlers(app: AsyncApp, order: list[str]) -> None:
    """Sets a handler for the start and one for the end, which note the type of what they were called for."""

    async def started(body: dict[str, Any]) -> None:
        order.append(f"start {(body.get('event') or {}).get('type') or body['command']}")

    async def ended(body: dict[str, Any]) -> None:
        order.append(f"end {(body.get('event') or {}).get('type') or body['command']}")

    runner, logger = app.listener_runner, app.logger
    runner.listener_start_handler = AsyncCustomListenerStartHandler(logger, started)
    runner.listener_completion_handler = AsyncCustomListenerCompletionHandler(logger, ended)


async def test_they_are_around_each_listener(app_with: AppWith) -> None:
    """An event's and a command's listener run between the two handlers; a lazy function runs without them."""
    order: list[str] = []

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()
        order.append("command")

    async def lazy() -> None:
        order.append("lazy")

    def register(app: AsyncApp) -> None:
        handlers(app, order)

        @app.event("app_mention")
        async def mentioned() -> None:
            order.append("event")

        app.command("/approval")(ack=acknowledge, lazy=[lazy])

    async with app_with(register) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "done"
        assert (await app.player.send(make("command"))).status == 200
        await until(lambda: order[-1] == "lazy", what="the lazy function has run")
    assert order == [
        "start app_mention",
        "event",
        "end app_mention",
        "start /approval",
        "command",
        "end /approval",
        "lazy",
    ]


async def test_a_listener_that_raises_has_its_end(app_with: AppWith) -> None:
    """The handler for the end is called too when the listener has raised; the delivery is a failed attempt."""
    order: list[str] = []

    def register(app: AsyncApp) -> None:
        handlers(app, order)

        @app.event("app_mention")
        async def mentioned() -> None:
            raise LookupError

    async with app_with(register, max_attempts=1) as app:
        ack = await app.player.send(make("app_mention"))
        assert (await app.until_ended(ack.sample.key)).state == "dead"
    assert order == ["start app_mention", "end app_mention"]


async def test_a_start_handler_that_raises(app_with: AppWith) -> None:
    """Where the handler for the start raises, the listener does not run, and the delivery is a failed attempt."""
    ran = []

    def register(app: AsyncApp) -> None:
        async def fails() -> None:
            raise LookupError("of the start handler")

        app.listener_runner.listener_start_handler = AsyncCustomListenerStartHandler(app.logger, fails)

        @app.event("app_mention")
        async def mentioned() -> None:
            ran.append("event")

    async with app_with(register, max_attempts=1) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.error) == ("dead", "LookupError: of the start handler")
    assert ran == []


async def test_a_completion_handler_that_raises(app_with: AppWith) -> None:
    """Where the handler for the end raises, the delivery is a failed attempt."""

    def register(app: AsyncApp) -> None:
        async def fails() -> None:
            raise LookupError("of the completion handler")

        app.listener_runner.listener_completion_handler = AsyncCustomListenerCompletionHandler(app.logger, fails)

        @app.event("app_mention")
        async def mentioned() -> None: ...

    async with app_with(register, max_attempts=1) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.error) == ("dead", "LookupError: of the completion handler")
