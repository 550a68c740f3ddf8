"""The FastAPI application is on the way of every request of Slack's."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.lifecycle.transport import HttpTransport
from fastapi import FastAPI, Request, Response
from slack_bolt.async_app import AsyncAck, AsyncApp

from tests.support.app_in_process import app_in_process


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls."""
    async with Emulator() as emulator:
        yield emulator


async def test_a_middleware_of_fastapis_sees_events_and_commands(slack: Emulator) -> None:
    """What is added to the application as FastAPI documents it sees an event and a command pass."""
    seen: list[tuple[str, int]] = []
    async with app_in_process(slack_api_url=slack.api_url) as app:
        assert isinstance(app.parts.transport, HttpTransport)
        application = app.parts.transport.application
        assert isinstance(application, FastAPI)

        @application.middleware("http")
        async def note(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
            response = await go_on(request)
            seen.append((request.url.path, response.status_code))
            return response

        for kind in ("app_mention", "command"):
            assert (await app.player.send(make(kind))).status == 200
    assert seen == [("/slack/events", 200)] * 2


async def test_the_stack_of_a_command_shows_the_way_in_the_order_of_the_folders(slack: Emulator) -> None:
    """Below a middleware of a command are FastAPI, http/, intake/, Bolt's FastAPI adapter and bolt/, in this order."""
    files: list[str] = []

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def note(next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name
            files.extend(frame.filename for frame in traceback.extract_stack())
            await next()

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()

    async with app_in_process(register, slack_api_url=slack.api_url) as app:
        assert (await app.player.send(make("command"))).status == 200
    way = [
        "fastapi/applications.py",
        "anchorbolt/http/slack_route.py",
        "anchorbolt/intake/intake.py",
        "anchorbolt/intake/interactions.py",
        "anchorbolt/http/bolt_adapter.py",
        "slack_bolt/adapter/starlette/async_handler.py",
        "anchorbolt/bolt/app.py",
    ]
    places = [next(at for at, file in enumerate(files) if file.endswith(part)) for part in way]
    assert places == sorted(places)
