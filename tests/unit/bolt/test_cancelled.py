"""What is cancelled: a workflow does not wait for it for ever, and the documented listener does it."""

from __future__ import annotations

import asyncio
import re

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.app_process import ROOT
from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.test_holding_back import Listeners, cancel, mention, stop


async def test_a_step_that_is_cancelled_is_told_to_slack(app_with: AppWith, slack: Emulator) -> None:
    """functions.completeError is called, though the run that was cancelled can make no more calls."""
    began: list[int] = []

    def register(app: AsyncApp) -> None:
        @app.function("request_approval")
        async def step(client: AsyncWebClient) -> None:
            await client.api_test()
            began.append(1)
            await asyncio.Event().wait()

    async with app_with(register) as app:
        key = str((await app.player.send(make("function_executed"))).sample.key)
        await until(lambda: began, what="it runs")
        assert await cancel(app, key) == "running"
        assert (await app.until_ended(key)).state == "cancelled"
    (call,) = slack.calls.since(method="functions.completeError")
    assert call.arguments["error"] == "cancelled by ann@host"


async def test_a_step_that_is_cancelled_in_a_call_is_told_to_slack(app_with: AppWith, slack: Emulator) -> None:
    """As above, where the run is cancelled while a call of it is under way: that is reset, and the report is not."""
    began: list[int] = []

    def register(app: AsyncApp) -> None:
        @app.function("request_approval")
        async def step(client: AsyncWebClient) -> None:
            began.append(1)
            while True:
                await client.api_test()

    async with app_with(register) as app:
        key = str((await app.player.send(make("function_executed"))).sample.key)
        await until(lambda: began, what="it runs")
        assert await cancel(app, key) == "running"
        assert (await app.until_ended(key)).state == "cancelled"
    (call,) = slack.calls.since(method="functions.completeError")
    assert call.arguments["error"] == "cancelled by ann@host"


async def test_the_documented_listener_cancels_a_run(app_with: AppWith) -> None:
    """The example of docs/listeners.md, as it is written there, cancels what runs in the thread of a click on stop."""
    page = (ROOT / "docs" / "listeners.md").read_text()
    (example,) = re.findall(r"```python\n(@app.event\(\"agent_session_stopped\"\).*?)```", page, re.DOTALL)
    mine = Listeners()

    def register(app: AsyncApp) -> None:
        exec(example, {"app": app})
        mine.register(app)  # its own listener of that event comes second, and has none

    async with app_with(register) as app:
        key = await mention(app, "hang", "1760000000.000100")
        await until(lambda: mine.began, what="it runs")
        assert (await app.until_ended(await stop(app, "1760000000.000100"))).state == "done"
        assert (await app.until_ended(key)).state == "cancelled"
    assert mine.ended == []
