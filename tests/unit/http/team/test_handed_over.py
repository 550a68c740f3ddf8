"""A team's routes below /slack are served, and those that hand a request to Bolt take the way of /slack/events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from anchorbolt.emulator.player import Player
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.signing import EMULATOR_SECRET
from slack_bolt import App
from slack_bolt.adapter.asgi.builtin import SlackRequestHandler as AsgiHandler
from slack_bolt.adapter.starlette.handler import SlackRequestHandler as StarletteHandler
from slack_bolt.async_app import AsyncApp

from tests.support import app_in_process

SYNC = """
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from fastapi import FastAPI, Request
def authorize(team_id):
    return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token="xoxb-a", bot_id="B1", bot_user_id="U1")
app = App(authorize=authorize, signing_secret="another")
@app.command("/approval")
def command(ack, command):
    ack("anchored")
@app.event("app_mention")
def mentioned():
    pass
"""
ASYNC = """
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from fastapi import FastAPI, Request
async def authorize(team_id):
    return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token="xoxb-a", bot_id="B1", bot_user_id="U1")
app = AsyncApp(authorize=authorize, signing_secret="another")
@app.command("/approval")
async def command(ack, command):
    await ack("anchored")
@app.event("app_mention")
async def mentioned():
    pass
"""
FASTAPI = """
from slack_bolt.adapter.fastapi{module} import {handler} as Handler
api = FastAPI()
handler = Handler(app)
@api.post("/slack/commands")
@api.post("/bolt")
async def commands(request: Request):
    return await handler.handle(request)
@api.get("/slack/health")
async def health():
    return "well"
@api.post("/slack/events")
async def never():
    return "never"
"""
OF_SYNC = SYNC + FASTAPI.format(module="", handler="SlackRequestHandler")
OF_ASYNC = ASYNC + FASTAPI.format(module=".async_handler", handler="AsyncSlackRequestHandler")
WSGI = """
from slack_bolt.adapter.wsgi import SlackRequestHandler
commands = SlackRequestHandler(app, path="/slack/commands")
def api(environ, start_response):
    if environ["PATH_INFO"] == "/slack/health":
        start_response("200 OK", [])
        return [b'"well"']
    return commands(environ, start_response)
"""
ASGI = """
from slack_bolt.adapter.asgi{module} import {handler} as Handler
api = Handler(app, path="/slack/commands")
"""
TAKEN_OVER = ((App, "dispatch"), (AsyncApp, "async_dispatch"), (StarletteHandler, "handle"), (AsgiHandler, "dispatch"))


@pytest.fixture(autouse=True)
def bolt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes back what is taken over of Bolt, and forgets the module `team`."""
    monkeypatch.syspath_prepend(tmp_path)
    before = [(owner, name, getattr(owner, name)) for owner, name in TAKEN_OVER]
    yield
    for owner, name, value in before:
        setattr(owner, name, value)
    sys.modules.pop("team", None)


@pytest.mark.parametrize(
    "text",
    [
        OF_SYNC,
        OF_ASYNC,
        SYNC + WSGI,
        SYNC + ASGI.format(module="", handler="SlackRequestHandler"),
        ASYNC + ASGI.format(module=".async_handler", handler="AsyncSlackRequestHandler"),
    ],
    ids=["fastapi", "fastapi-async", "wsgi", "asgi", "asgi-async"],
)
async def test_a_request_that_a_route_hands_to_bolt(text: str, tmp_path: Path) -> None:
    """It is verified with our secret, answered by the listener or stored, and stored once however often it comes."""
    (tmp_path / "team.py").write_text(text)
    async with app_in_process.app_in_process(listeners="team", routes="team:api") as app:
        there = Player(app.http, "http://app/slack/commands", EMULATOR_SECRET, wait_seconds=30)
        ack = await there.send(make("command"))
        assert (ack.status, ack.body) == (200, b"anchored")
        mention = make("app_mention")
        assert [(await there.send(mention)).status for _ in range(2)] == [200, 200]
        assert (await app.until_ended(mention.key)).state == "done"
        assert await app.rows() == 1
        assert (await there.send(make("url_verification"))).status == 200
        forged = await Player(app.http, "http://app/slack/commands", "other", wait_seconds=30).send(make("command"))
        assert forged.status == 401


@pytest.mark.parametrize("text", [OF_SYNC, OF_ASYNC, SYNC + WSGI], ids=["fastapi", "fastapi-async", "wsgi"])
async def test_routes_below_slack(text: str, tmp_path: Path) -> None:
    """What no route of ours takes reaches the team's; /slack/events stays ours."""
    (tmp_path / "team.py").write_text(text)
    async with app_in_process.app_in_process(listeners="team", routes="team:api") as app:
        assert (await app.http.get("http://app/slack/health")).json() == "well"
        assert (await app.http.get("http://app/slack/none")).status_code == 404
        assert (await app.player.send(make("command"))).body == b"anchored"


async def test_a_dispatch_that_would_block(tmp_path: Path) -> None:
    """A synchronous app's `dispatch` on the event loop is an error that says what to do, and no deadlock."""
    blocking = '@api.post("/blocks")\nasync def blocks():\n    return app.dispatch(None)\n'
    (tmp_path / "team.py").write_text(OF_SYNC + blocking)
    async with app_in_process.app_in_process(listeners="team", routes="team:api") as app:
        assert (await app.http.post("http://app/blocks")).status_code == 500
        with pytest.raises(RuntimeError, match="make the route a `def` route"):
            App.dispatch(None, None)  # type: ignore[arg-type] # it is refused before it looks at them
