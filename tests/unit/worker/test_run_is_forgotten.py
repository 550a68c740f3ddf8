"""Nothing of a run that has ended waits for the garbage collector, which looks seldom in production."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator

import pytest
from anchorbolt.bolt.run import RUN, Run
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.app_in_process import app_in_process
from tests.support.waiting import until


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls."""
    async with Emulator() as emulator:
        yield emulator


@pytest.mark.usefixtures("no_garbage_collection")
async def test_a_run_is_gone_from_memory_as_soon_as_it_has_ended(slack: Emulator) -> None:
    """The run of an event and that of a command, with all that belongs to them, need no garbage collector."""
    runs: list[weakref.ref[Run]] = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def event(client: AsyncWebClient, context: AsyncBoltContext) -> None:
            runs.append(weakref.ref(context[RUN]))
            await client.chat_postMessage(channel="C0GENERAL01", text="done")

        @app.command("/approval")
        async def command(ack: AsyncAck, client: AsyncWebClient, context: AsyncBoltContext) -> None:
            runs.append(weakref.ref(context[RUN]))
            await ack()
            await client.chat_postMessage(channel="C0GENERAL01", text="done")

    async with app_in_process(register, slack_api_url=slack.api_url) as app:
        # The first one opens the connection to Slack, which keeps the context that it was opened in.
        for kind in ("app_mention", "app_mention", "command"):
            assert (await app.player.send(make(kind))).status == 200
            assert await app.parts.worker.finish(30)
        _, *later = runs
        await until(lambda: len(later) == 2 and all(run() is None for run in later), what="both runs are gone")
