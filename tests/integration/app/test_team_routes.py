"""A team's own routes (ROUTES) in a process of their own: served beside Slack's, started before ready, ended last."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest
from anchorbolt.emulator.samples import make

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import AppProcess
from tests.support.waiting import until

LOG = """
import asyncio, pathlib, threading
def say(what):
    with pathlib.Path("said.txt").open("a") as file:
        file.write(what + "\\n")
async def tick():
    say("task began")
    try:
        await asyncio.sleep(3600)
    finally:
        say("task cancelled")
"""
FASTAPI = """
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from said import *

@asynccontextmanager
async def lifespan(app):
    background = asyncio.create_task(tick())
    await asyncio.sleep(0)
    say("started")
    yield {"words": ["hello"]}
    say("ended")

app = FastAPI(lifespan=lifespan)

@app.get("/words")
async def words(request: Request):
    request.state.seen = True
    return request.state.words

@app.get("/slack/health")
async def health():
    return "well"

@app.get("/seen")
async def seen(request: Request):
    return hasattr(request.state, "seen")

@app.get("/slow")
async def slow():
    say("request began")
    while not pathlib.Path("finish").exists():
        await asyncio.sleep(0.01)
    say("request finished")
    return "finished"

@app.get("/thread")
def thread():
    say("thread began")
    threading.Event().wait()

def wsgi(environ, start_response):
    thread()

@app.get("/to_thread")
async def to_thread():
    await asyncio.to_thread(thread)

@app.get("/broken")
async def broken():
    raise ZeroDivisionError("of the team's")

@app.post("/body")
async def body(request: Request):
    return len(await request.body())

@app.post("/slack/events")
async def as_bolts_adapter_asks_for():
    say("never")
"""
ROUTER = """
from fastapi import APIRouter
router = APIRouter(prefix="/api")

@router.get("/{name}")
async def named(name: str):
    return name
"""
PLAIN = """
from said import *

async def api(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})

async def startup():
    global task
    task = asyncio.create_task(tick())
    await asyncio.sleep(0)
    say("started")

def shutdown():
    say("ended")
"""


def write(directory: Path, **modules: str) -> None:
    """Writes modules where a process of the test finds them."""
    for name, text in ({"said": LOG} | modules).items():
        (directory / f"{name}.py").write_text(text)


def said(directory: Path) -> list[str]:
    """What a team's code has said up to now."""
    file = directory / "said.txt"
    return file.read_text().splitlines() if file.exists() else []


def check(app: AppProcess) -> str:
    """What `anchorbolt check` says."""
    return app.run_command("check").stdout


def at(app: AppProcess, path: str) -> str:
    """The address of a path of the public port."""
    return f"http://127.0.0.1:{app.port}{path}"


def stopped(app: AppProcess) -> bool:
    """Whether the public port takes no connection any more."""
    try:
        httpx.get(at(app, "/words"), timeout=1)
    except httpx.TransportError:
        return True
    return False


async def test_a_fastapi_app_with_its_lifespan(
    start_app: StartApp, http: httpx.AsyncClient, play_to: PlayTo, tmp_path: Path
) -> None:
    """Its lifespan starts before ready and ends after the requests in flight; tasks that it left are cancelled."""
    write(tmp_path, team=FASTAPI)
    app = start_app(ROUTES="team")
    await app.until_ready()
    assert said(tmp_path) == ["task began", "started"]
    assert (await http.get(at(app, "/words"))).json() == ["hello"]
    assert (await http.get(at(app, "/seen"))).json() is False, "the state of a request is its own"
    assert (await play_to(app).send(make("app_mention"))).status == 200
    assert (await http.post(at(app, "/slack/events"))).status_code == 415, "our route is first"
    assert (await http.get(at(app, "/slack/health"))).json() == "well", "what ours do not take is the team's"
    assert (await http.get(at(app, "/slack/other"))).status_code == 404

    slow = asyncio.create_task(http.get(at(app, "/slow")))
    await until(lambda: "request began" in said(tmp_path), what="a request is in flight")
    app.terminate()
    await until(lambda: stopped(app), what="it drains")
    (tmp_path / "finish").touch()
    assert (await slow).json() == "finished"
    assert await app.until_ended() == 0
    assert said(tmp_path)[2:] == ["request began", "request finished", "ended", "task cancelled"]


async def test_a_route_that_fails_is_answered_500_and_shown(
    start_app: StartApp, http: httpx.AsyncClient, play_to: PlayTo, tmp_path: Path
) -> None:
    """An exception of a route is logged with the team's own line, and touches nothing of Slack's."""
    write(tmp_path, team=FASTAPI)
    app = start_app(ROUTES="team:app", MAX_BODY_BYTES=1000)
    await app.until_ready()
    # uvicorn closes the connection after it has logged the exception: none is left for the next request.
    assert (await http.get(at(app, "/broken"), headers={"connection": "close"})).status_code == 500
    await until(lambda: "of the team's" in app.log_text(), what="the exception is logged")
    assert "team.py" in app.log_text()
    assert (await http.post(at(app, "/body"), content=b"x" * 1000)).json() == 1000
    assert (await http.post(at(app, "/body"), content=b"x" * 1001)).status_code == 413
    assert (await play_to(app).send(make("app_mention"))).status == 200


async def test_a_route_that_does_not_end(
    start_app: StartApp, http: httpx.AsyncClient, play_to: PlayTo, tmp_path: Path
) -> None:
    """Slack is answered beside a request that goes on, and the drain cuts that one off at the bound of all requests."""
    write(tmp_path, team=FASTAPI)
    app = start_app(ROUTES="team", ACK_DEADLINE_SECONDS=1)
    await app.until_ready()
    slow = asyncio.create_task(http.get(at(app, "/slow"), timeout=60))
    await until(lambda: "request began" in said(tmp_path), what="a request is in flight")
    assert (await play_to(app).send(make("command"))).status == 200
    app.terminate()
    assert await app.until_ended() == 0
    with contextlib.suppress(httpx.TransportError):
        assert (await slow).status_code == 500
    assert said(tmp_path)[-2:] == ["ended", "task cancelled"]
    assert "request finished" not in said(tmp_path)


@pytest.mark.parametrize(("routes", "path"), [("team", "/thread"), ("team", "/to_thread"), ("team:wsgi", "/thread")])
async def test_a_route_in_a_thread_that_does_not_end(
    start_app: StartApp, http: httpx.AsyncClient, routes: str, path: str, tmp_path: Path
) -> None:
    """Nothing can stop the thread of a `def` or WSGI route, and Python would wait for it: the process ends with it."""
    write(tmp_path, team=FASTAPI)
    app = start_app(ROUTES=routes, ACK_DEADLINE_SECONDS=1)
    await app.until_ready()
    endless = asyncio.create_task(http.get(at(app, path), timeout=60))
    await until(lambda: "thread began" in said(tmp_path), what="a request is in flight")
    app.terminate()
    assert await app.until_ended() == 0
    with contextlib.suppress(httpx.TransportError):
        await endless
    if routes == "team":  # a WSGI application has no lifespan
        assert said(tmp_path)[-2:] == ["ended", "task cancelled"]
    (line,) = app.log("threads go on after the drain: the process ends with them")
    assert line["threads"] >= 1
    assert app.log("drained"), "all else had ended as it does without such a thread"


async def test_a_router(start_app: StartApp, http: httpx.AsyncClient, tmp_path: Path) -> None:
    """An APIRouter is served, and what it does not know is 404."""
    write(tmp_path, team=ROUTER)
    app = start_app(ROUTES="team:router")
    await app.until_ready()
    assert (await http.get(at(app, "/api/anchor"))).json() == "anchor"
    assert (await http.get(at(app, "/docs"))).status_code == 404


async def test_a_plain_asgi_application_and_a_pair_of_functions(
    start_app: StartApp, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """An ASGI application without a lifespan is served, and the module's startup and shutdown are called, once."""
    write(tmp_path, team=PLAIN)
    app = start_app(ROUTES="team")
    await app.until_ready()
    assert (await http.get(at(app, "/anything"))).text == "/anything"
    app.terminate()
    assert await app.until_ended() == 0
    assert said(tmp_path) == ["task began", "started", "ended", "task cancelled"]


@pytest.mark.parametrize("settings", [{}, {"ROLE": "worker"}, {"RECEIVER": "socket", "SLACK_APP_TOKEN": "xapp-1"}])
async def test_a_pair_of_functions_alone(start_app: StartApp, settings: dict[str, str], tmp_path: Path) -> None:
    """Without routes, and without a public port, the pair is called in the process that serves."""
    write(tmp_path, team=PLAIN.replace("def api(", "def _api("))
    app = start_app(ROUTES="team", **settings)
    await app.until_ready()
    app.terminate()
    assert await app.until_ended() == 0
    assert said(tmp_path) == ["task began", "started", "ended", "task cancelled"]


async def test_check_and_serve_agree(start_app: StartApp, tmp_path: Path) -> None:
    """A module that creates a task when it is imported can be served, and `check` says so, with what it found."""
    write(tmp_path, team=PLAIN + "\nimported = asyncio.get_running_loop().create_task(asyncio.sleep(0))\n")
    app = start_app(ROUTES="team")
    await app.until_ready()
    assert "routes: team (function, startup, shutdown) can be served" in check(app)


async def test_a_startup_that_fails(start_app: StartApp, tmp_path: Path) -> None:
    """The process ends, and says what was raised with the team's own file and line; `check` starts nothing."""
    write(tmp_path, team=FASTAPI.replace('say("started")', 'raise LookupError("no such model")'))
    app = start_app(ROUTES="team")
    assert await app.until_ended() not in {0, None}
    (line,) = app.log("cannot start")
    assert line["error"].startswith("ROUTES=team: the startup failed: LookupError: no such model (")
    assert "team.py:10)" in line["error"]
    assert "can be served" in check(app)


async def test_a_shutdown_that_fails(start_app: StartApp, tmp_path: Path) -> None:
    """What a shutdown raises is logged, the tasks are cancelled all the same, and the drain is a good one."""
    write(tmp_path, team=PLAIN.replace('say("ended")', 'raise LookupError("lost")'))
    app = start_app(ROUTES="team")
    await app.until_ready()
    app.terminate()
    assert await app.until_ended() == 0
    assert "LookupError: lost" in app.log_text()
    assert said(tmp_path)[-1] == "task cancelled"


async def test_sigterm_during_a_long_startup(start_app: StartApp, tmp_path: Path) -> None:
    """A startup that takes long does not hold up the end of the pod."""
    write(tmp_path, team=PLAIN.replace('say("started")', "await asyncio.sleep(3600)"))
    app = start_app(ROUTES="team")
    await until(lambda: "task began" in said(tmp_path), what="the startup runs")
    app.terminate()
    assert await app.until_ended() == 0
    assert said(tmp_path) == ["task began", "task cancelled"]


async def test_what_cannot_work_is_said_at_once(start_app: StartApp, tmp_path: Path) -> None:
    """WebSockets are refused at the start, all of them at once, and by `check` too."""
    more = (
        '\n@app.websocket("/live")\nasync def live(socket): ...\n@app.websocket("/chat")\nasync def chat(socket): ...\n'
    )
    write(tmp_path, team=FASTAPI + more)
    app = start_app(ROUTES="team")
    assert await app.until_ended() not in {0, None}
    (line,) = app.log("cannot start")
    for told in (line["error"], check(app)):
        assert "ROUTES=team: /live is a WebSocket" in told
        assert "/chat is a WebSocket" in told
    assert said(tmp_path) == []


async def test_an_upgrade_is_refused(start_app: StartApp, tmp_path: Path) -> None:
    """A request that asks for a WebSocket reaches no route of a team's, and its connection closes."""
    write(tmp_path, team=PLAIN)
    app = start_app(ROUTES="team:api")
    await app.until_ready()
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    writer.write(b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), timeout=30)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"upgrade_refused" in answer
