"""A Slack emulator, processes of the app that end with the test, and the log of their listeners."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog

StartApp = Callable[..., AppProcess]
PlayTo = Callable[[AppProcess], Player]


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls."""
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
def listener_log(tmp_path: Path) -> ListenerLog:
    """What the listeners of every process of this test say."""
    return ListenerLog(tmp_path)


@pytest.fixture
def start_app(tmp_path: Path, slack: Emulator, listener_log: ListenerLog) -> Iterator[StartApp]:
    """Starts the app on the test's inbox, with the listeners of the tests; `NAME=value` for other settings."""
    started: list[AppProcess] = []

    def start(*, prefix: Sequence[str] = (), **settings: Any) -> AppProcess:
        app = AppProcess.start(tmp_path, slack.api_url, prefix=prefix, **(listener_log.environment | settings))
        started.append(app)
        return app

    yield start
    for app in started:
        app.kill()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Slack's side of the connections."""
    async with client(keep_alive=True, connections=64) as open_client:
        yield open_client


@pytest.fixture
def play_to(http: httpx.AsyncClient) -> PlayTo:
    """Slack, as it sends to one process; it waits longer than Slack does, because no test is about speed."""
    return lambda app: Player(http, app.url, EMULATOR_SECRET, wait_seconds=30)
