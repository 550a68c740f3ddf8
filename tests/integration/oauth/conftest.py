"""Pods of an app that is installed by OAuth, on both databases, and Slack's side of it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.requests import build
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.support.app_process import AppProcess
from tests.support.ports import free_port
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until

CLIENT_SECRET = "planted-client-secret-0123456789"
TOKEN_KEY = base64.b64encode(b"k" * 32).decode()
HARBOR, DOCK, FLEET = "T0HARB0R", "T0D0CK", "E0FLEET"


@dataclass
class Pods:
    """Processes on one database, which browsers reach at one address: that of the first."""

    directory: Path
    slack: Emulator
    http: httpx.AsyncClient
    database_url: str
    port: int = field(default_factory=free_port)
    public_url: str = ""
    started: list[AppProcess] = field(default_factory=list)

    async def start(self, **settings: Any) -> AppProcess:
        """Starts one more, and waits for it."""
        port = free_port() if self.started else self.port
        self.public_url = self.public_url or f"http://127.0.0.1:{self.port}"
        directory = self.directory / f"pod-{len(self.started)}"
        directory.mkdir()
        app = AppProcess.start(
            directory,
            self.slack.api_url,
            **{
                "PORT": port,
                "LISTENERS": "tests.integration.oauth.team",
                "SLACK_BOT_TOKEN": "",
                "SLACK_CLIENT_ID": "1.2",
                "SLACK_CLIENT_SECRET": CLIENT_SECRET,
                "SLACK_SCOPES": "commands,chat:write,app_mentions:read",
                "PUBLIC_URL": self.public_url,
                "TOKEN_KEYS": TOKEN_KEY,
                "DATABASE_URL": self.database_url,
                **settings,
            },
        )
        self.started.append(app)
        await app.until_ready()
        return app

    def browser(self) -> httpx.AsyncClient:
        """A browser with cookies of its own, at the public address."""
        return httpx.AsyncClient(base_url=self.public_url, trust_env=False, timeout=30, verify=False)

    async def consent(self, browser: httpx.AsyncClient, team: str, **fields: str) -> str:
        """Begins an installation, and allows it on Slack's page. Returns where the browser is sent."""
        page = (await browser.get("/slack/install?direct=1")).headers["location"]
        asked = dict(parse_qsl(urlsplit(page).query)) | {"answer": "allow", "team": team} | fields
        sent = await browser.post(page, data=asked)
        return str(sent.headers["location"])

    async def install(self, team: str, **fields: str) -> httpx.Response:
        """Installs the app in a workspace. Returns the last page."""
        async with self.browser() as browser:
            return await browser.get(await self.consent(browser, team, **fields))

    async def send(
        self, team: str, app: AppProcess | None = None, changes: Mapping[str, Any] | None = None, **request: Any
    ) -> Ack:
        """Slack sends a request of a workspace. `changes`: other fields of an event's body."""
        to = app or self.started[0]
        sample = build(request, Scene(team_id=team, slack_url=self.slack.url))
        if changes is not None:
            sample = replace(sample, body=json.dumps({**json.loads(sample.body), **changes}).encode())
        return await Player(self.http, to.url, EMULATOR_SECRET, wait_seconds=30).send(sample)

    async def answered(self, team: str, text: str, changes: Mapping[str, Any] | None = None) -> str | None:
        """Sends a message, and waits until it was answered. Returns the workspace whose token it was answered with."""
        assert (await self.send(team, event="app_mention", text=text, changes=changes)).ok

        def answers() -> list[str | None]:
            calls = self.slack.calls.since(method="chat.postMessage")
            return [call.team for call in calls if str(call.arguments["text"]).endswith(f" {text}")]

        await until(lambda: bool(answers()), what=f"{text} is answered; {self.started[0].log_text()}")
        (found,) = answers()
        return found


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls, and Slack's page."""
    async with Emulator() as emulator:
        yield emulator


MakePods = Callable[..., Pods]


@pytest.fixture
async def make_pods(tmp_path: Path, slack: Emulator) -> AsyncIterator[MakePods]:
    """Makes pods, which end with the test."""
    made: list[Pods] = []
    async with client(keep_alive=False, connections=64) as http:

        def make(database_url: str) -> Pods:
            made.append(Pods(tmp_path, slack, http, database_url))
            return made[-1]

        yield make
        for pods in made:
            for app in pods.started:
                app.kill()


@pytest.fixture
async def pods_on_postgresql(make_pods: MakePods, shared_postgres: PostgreSQL) -> Pods:
    """On a database of several processes."""
    return make_pods(shared_postgres.new_inbox())


@pytest.fixture(params=["sqlite", "postgresql"])
def pods(request: pytest.FixtureRequest, make_pods: MakePods, tmp_path: Path) -> Pods:
    """On one database after the other."""
    if request.param == "sqlite":
        return make_pods(f"sqlite:///{tmp_path / 'inbox.db'}")
    found: Pods = request.getfixturevalue("pods_on_postgresql")
    return found
