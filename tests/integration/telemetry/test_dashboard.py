"""Every panel of the dashboard shows something, of a real app under load, in a real Prometheus."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Player
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.emulator.signing import Forgery
from anchorbolt.emulator.socket_mode.player import SocketPlayer
from anchorbolt.emulator.socket_mode.sockets import Sockets
from anchorbolt.telemetry import metrics

from tests.integration.app.conftest import PlayTo, StartApp
from tests.integration.socket.conftest import StartConnected
from tests.support import dashboard
from tests.support.metrics_page import series_of
from tests.support.prometheus import Prometheus, prometheus
from tests.support.waiting import until_answer

NAME = re.compile(r"\banchorbolt_[a-z0-9_]+")
ENDING = re.compile(r"_(total|bucket|sum|count)$")
WITHIN_SECONDS = 90
INTERVAL = "20s"


@asynccontextmanager
async def load(slack: Player, sockets: Sockets) -> AsyncIterator[None]:
    """Requests of some kinds, good and bad ones, over HTTP and over sockets, until the end of the block."""

    async def post() -> None:
        for number in itertools.count():
            await slack.send(make("app_mention", Scene(text=f"api=conversations.list n={number}")))
            await slack.send(make("command", Scene(text="work=0.01")))
            if number % 5 == 0:
                failing = make("app_mention", Scene(text="fail=1"))
                await slack.send(failing)
                await slack.send(failing, retry_num=1)
                await slack.send(failing, forgery=Forgery.BAD_SIGNATURE)
            await asyncio.sleep(0.1)

    async def send() -> None:
        player = SocketPlayer(sockets)
        for number in itertools.count():
            await player.send(make("app_mention", Scene(text=f"n={number}")))
            if number % 20 == 0 and sockets.open_connections:  # as Slack does every few hours
                await sockets.warn(sockets.open_connections[-1], closes_after_seconds=1)
            await asyncio.sleep(0.1)

    sending = [asyncio.create_task(post()), asyncio.create_task(send())]
    try:
        yield
    finally:
        for task in sending:
            task.cancel()
        await asyncio.wait(sending)


@pytest.mark.skipif(
    prometheus is None and not os.environ.get("CI"), reason="Prometheus is not installed: apt-get install prometheus"
)
@pytest.mark.timeout(300)
async def test_every_panel_has_data(
    start_app: StartApp, start_connected: StartConnected, play_to: PlayTo, slack: Emulator, tmp_path: Path
) -> None:
    """Each query of each panel finds at least one number in a Prometheus that scraped the app under load: a pod over
    HTTP and one in Socket Mode."""
    # Slack limits every tenth call, and refuses some.
    for _ in range(200):
        slack.script.add(Line(method="conversations.list", error="ratelimited", retry_after_seconds=0))
        slack.script.add(Line(method="conversations.list", error="internal_error"))
    apps = [start_app(), start_connected(DATABASE_URL="sqlite+aiosqlite://")]
    for app in apps:
        await app.until_ready()
    targets = [f"127.0.0.1:{app.internal_port}" for app in apps]
    async with Prometheus(tmp_path, targets) as asked, load(play_to(apps[0]), slack.sockets):
        for panel in dashboard.panels():
            for query in panel.queries:

                async def has_data(expression: str = query.filled(INTERVAL)) -> bool:
                    values = [float(series["value"][1]) for series in await asked.ask(expression)]
                    return any(map(math.isfinite, values))

                await until_answer(has_data, WITHIN_SECONDS, what=f"data in {panel.title!r}: {query.expression}")


def test_the_dashboard_shows_every_metric() -> None:
    """Each metric of the app is in some panel, and no panel asks for one that there is not."""
    asked = {name for panel in dashboard.panels() for query in panel.queries for name in NAME.findall(query.expression)}
    known = {ENDING.sub("", name) for metric in metrics.ALL for name in series_of(metric)}
    # What only several regions have is in the dashboard for those.
    asked |= set(NAME.findall(dashboard.REGIONS_FILE.read_text())) & {"anchorbolt_region_drained"}
    assert {ENDING.sub("", name) for name in asked} == known
