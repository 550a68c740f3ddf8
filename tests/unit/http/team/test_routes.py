"""What ROUTES may name, what is found in a module, and what is refused with words that say what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anchorbolt.errors import RoutesError
from anchorbolt.http.team import routes
from anchorbolt.http.team.routes import TeamRoutes

Load = Callable[..., TeamRoutes]
FASTAPI = "from fastapi import APIRouter, FastAPI, WebSocket\n"
BOLT = "from slack_bolt.async_app import AsyncApp\n"
# As Flask's class looks to who calls it.
FLASK = """
class Flask:
    def wsgi_app(self, environ, start_response): ...
    def __call__(self, environ, start_response): ...
class LocalProxy:
    def __getattr__(self, name):
        raise RuntimeError("Working outside of request context.")
    def __call__(self): ...
request = LocalProxy()
"""
ASGI = "async def {name}(scope, receive, send): ...\n"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Writes a module `team` and loads what a setting names."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(text: str, setting: str = "team") -> TeamRoutes:
        sys.modules.pop("team", None)
        (tmp_path / "team.py").write_text(text)
        return routes.load(setting)

    yield load
    sys.modules.pop("team", None)


def test_nothing_is_named() -> None:
    """Without ROUTES there is nothing to serve and nothing to start."""
    assert routes.load(None) == routes.load("") == TeamRoutes()


@pytest.mark.parametrize(
    ("text", "setting", "told"),
    [
        (FASTAPI + "app = FastAPI()", "team", "team (FastAPI)"),
        (FASTAPI + "mine = FastAPI()", "team", "team (FastAPI)"),
        (FASTAPI + "a = FastAPI()\nb = APIRouter()", "team:b", "team:b (APIRouter)"),
        (FASTAPI + "a = FastAPI()\nrouter = APIRouter()", "team", "team (APIRouter)"),
        ("def wsgi(environ, start_response): ...", "team:wsgi", "team:wsgi (function)"),
        ("def application(environ, start_response): ...", "team", "team (function)"),
        (BOLT + FLASK + "app = AsyncApp(token='x')\nflask_app = Flask()", "team", "team (Flask)"),
        (BOLT + FASTAPI + "app = AsyncApp(token='x')\napi = FastAPI()", "team", "team (FastAPI)"),
        (ASGI.format(name="app") + "def startup(): ...", "team", "team (function, startup)"),
        ("async def startup(): ...\ndef shutdown(): ...", "team", "team (startup, shutdown)"),
        ("app = 1\ndef shutdown(): ...", "team", "team (shutdown)"),
        (ASGI.format(name="other") + "def startup(): ...", "team:other", "team:other (function)"),
        (FASTAPI + "app = FastAPI()\n@app.on_event('startup')\nasync def startup(): ...", "team", "team (FastAPI)"),
        (FASTAPI + "app = FastAPI()\n@app.get('/slack/health')\nasync def health(): ...", "team", "team (FastAPI)"),
        (FASTAPI + "app = FastAPI()\n@app.post('/slack/events')\nasync def events(): ...", "team", "team (FastAPI)"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_found(load: Load, text: str, setting: str, told: str) -> None:
    """An application by its attribute, by a known name or as the only one, and a pair that it does not call itself."""
    assert str(load(text, setting)) == told


@pytest.mark.parametrize(
    ("text", "setting", "told"),
    [
        ("", "nowhere", "ROUTES=nowhere: no module named 'nowhere'"),
        ("", "team:", "is module or module:attribute"),
        ("", "team", "the module has none of app, api, router, application, startup, shutdown"),
        ("", "team:app", "the module has no 'app'"),
        (FASTAPI + "a = FastAPI()\nb = FastAPI()", "team", "name one of a, b"),
        ("def make(): ...", "team:make", "a function that makes one is called in the module"),
        ("from aiohttp.web import Application\nweb = Application()", "team:web", "needs a process of its own"),
        (BOLT + "mine = AsyncApp(token='x')", "team:mine", "name it in LISTENERS"),
        ("startup = 1", "team", "startup of the module can not be called"),
        ("1 / 0", "team", "ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_used(load: Load, text: str, setting: str, told: str) -> None:
    """The message names the setting's value, what is wrong, and what to write instead."""
    with pytest.raises(RoutesError) as caught:
        load(text, setting)
    assert str(caught.value).startswith(f"ROUTES={setting}: ")
    assert told in str(caught.value)


def test_every_route_that_cannot_work_is_told_at_once(load: Load) -> None:
    """WebSockets are found in routers and mounted applications too, and all of them are told."""
    text = FASTAPI + (
        "app = FastAPI()\ninner = FastAPI()\nrouter = APIRouter(prefix='/slack')\n"
        "@inner.websocket('/live')\nasync def live(socket: WebSocket): ...\n"
        "@router.websocket('/chat')\nasync def chat(socket: WebSocket): ...\n"
        "app.include_router(router)\napp.mount('/inner', inner)\n"
    )
    with pytest.raises(RoutesError) as caught:
        load(text, "team:app")
    assert "/inner/live is a WebSocket" in str(caught.value)
    assert "/slack/chat is a WebSocket" in str(caught.value)
