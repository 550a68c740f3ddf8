"""A web server that a module starts, at import or in its main block, is not started, and the app is taken."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from anchorbolt.bolt.adopt import slow_import
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Refusal, Team
from tests.unit.bolt.adopt.test_forms import APP, names_of

SERVERS = {
    "uvicorn.run": "import uvicorn\n    uvicorn.run('nowhere:app', reload=True)",
    "from uvicorn import run": "from uvicorn import run\n    run('nowhere:app')",
    "uvicorn.Server.serve": (
        "import asyncio, uvicorn\n"
        "    async def main():\n        await uvicorn.Server(uvicorn.Config(None)).serve()\n    asyncio.run(main())"
    ),
    "aiohttp": "from aiohttp import web\n    web.run_app(web.Application())",
    "a site of aiohttp": (
        "import asyncio\n    from aiohttp import web\n"
        "    async def main():\n        runner = web.AppRunner(web.Application())\n        await runner.setup()\n"
        "        await web.TCPSite(runner, '127.0.0.1', 0).start()\n        await asyncio.Event().wait()\n"
        "    asyncio.run(main())"
    ),
    "http.server": (
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "    HTTPServer(('127.0.0.1', 0), BaseHTTPRequestHandler).serve_forever()"
    ),
    "a framework that is imported first by the module": "import waitress\n    waitress.serve(app)",
}
WAITRESS = "def serve(app):\n    raise AssertionError('this does not run')\n"


@pytest.fixture(autouse=True)
def waitress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with the name and the function of waitress, which is not installed, and not imported before the test."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "waitress.py").write_text(WAITRESS)
    monkeypatch.delitem(sys.modules, "waitress", raising=False)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("main", [False, True])
def test_it_ends_the_import_and_the_app_is_taken(bolt: BoltApp, team: Team, server: str, main: bool) -> None:
    """With Bolt, too, nothing after it would run; the log names the line, and the main block's app is taken by it."""
    name = team(APP + f"\n    {SERVERS[server]}\n    raise AssertionError('this does not run')\n")
    with capture_logs() as logs:
        register(bolt, f"{name}:__main__" if main else name)
    assert names_of(bolt) == ["mentioned"]
    (line,) = [one for one in logs if one["event"].startswith("a call starts nothing")]
    assert f"{name}.py:" in line["place"]


def test_bolts_own_calls_stay_those_of_the_library(bolt: BoltApp, team: Team) -> None:
    """After the import each function is the library's own again, also one that the module has imported."""
    name = team(APP + "\n    import waitress\n    from waitress import serve\n")
    register(bolt, name)
    waitress = sys.modules["waitress"]
    assert waitress.serve.__code__ is not sys.modules[name].serve.__code__
    with pytest.raises(AssertionError, match="this does not run"):
        sys.modules[name].serve(None)


def test_a_server_in_a_thread_is_let_be(bolt: BoltApp, team: Team) -> None:
    """Many apps serve a health check from a thread beside Socket Mode; the log warns of the thread."""
    text = (
        "\n    import threading\n    from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "    server = HTTPServer(('127.0.0.1', 0), BaseHTTPRequestHandler)\n"
        "    threading.Thread(target=server.serve_forever, daemon=True).start()\n"
    )
    name = team(APP + text)
    with capture_logs() as logs:
        register(bolt, name)
    sys.modules[name].server.shutdown()  # it waits until serve_forever has begun and ended
    sys.modules[name].server.server_close()
    assert names_of(bolt) == ["mentioned"]
    assert any("a thread was started" in line["event"] for line in logs)


def test_uvicorns_run_is_there_without_its_command_line() -> None:
    """A process of ours loads no command line of uvicorn's, and a team's module can import `run` all the same."""
    text = (
        "import anchorbolt.http.without_click, sys\nfrom uvicorn import run\nassert 'click' not in sys.modules\n"
        "sys.modules['uvicorn.main'] = type(sys)('uvicorn.main')\nsys.modules['uvicorn.main'].run = print\n"
        "run('called')\n"
    )
    command = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, timeout=60)
    assert command.stdout.split() == [b"called"]


def test_a_site_before_the_app_is_a_health_check(bolt: BoltApp, team: Team) -> None:
    """A site of aiohttp that starts before the app has listeners serves something else, so the main block goes on."""
    name = team("""
    import asyncio
    from aiohttp import web
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp

    async def main():
        runner = web.AppRunner(web.Application())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        app = AsyncApp(token="xoxb-1")
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        @app.event("app_mention")
        async def mentioned(): ...
        await AsyncSocketModeHandler(app, "xapp-1").start_async()

    if __name__ == "__main__":
        asyncio.run(main())
    """)
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]


def test_several_apps_before_a_server(team: Team, refusal: Refusal) -> None:
    """Which one is meant is asked for."""
    name = team(APP + "\n    other = App(token='xoxb-1')\n    import waitress\n    waitress.serve(app)\n")
    (problem,) = refusal(f"{name}:__main__")
    assert "starts a web server, and has made 2 apps before that: name the app itself" in problem


def test_an_import_that_takes_long(bolt: BoltApp, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log says again and again in which line of the team's the import is, and no thread is left of it."""
    monkeypatch.setattr(slow_import, "SECONDS", 0.01)
    told = threading.Event()
    places: list[str] = []

    def warning(event: str, *, module: str, place: str) -> None:
        if place.endswith(f"{module}.py:8"):
            places.append(place)
            told.set()

    monkeypatch.setattr(slow_import.log, "warning", warning)
    monkeypatch.setitem(sys.modules, "told", cast("ModuleType", told))  # a way from the module to this test
    threads = threading.active_count()
    register(bolt, team(APP + "\n    import told\n    assert told.wait(60)\n"))
    assert names_of(bolt) == ["mentioned"]
    assert places
    assert threading.active_count() == threads
