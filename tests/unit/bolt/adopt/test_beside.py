"""Web servers that a main block starts beside Socket Mode: they are not what receives requests, so they serve."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from anchorbolt.bolt.adopt import beside
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Refusal, Team
from tests.unit.bolt.adopt.test_forms import names_of

HYPERCORN = """
import threading
served, raised, errors = threading.Event(), threading.Event(), []

async def serve():
    served.set()
    if errors:
        raised.set()
        raise errors.pop()
"""
PARTS = """
    import asyncio, threading
    from aiohttp import web
    from hypercorn.asyncio import errors, served, serve
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp

    asked = threading.Event()

    def build():
        app = AsyncApp(token="xoxb-1")
        @app.event("app_mention")
        async def mentioned(): ...
        return app

    async def bot(app):
        await asyncio.sleep(0)
        await AsyncSocketModeHandler(app, "xapp-1").start_async()
"""
RUN = """
    if __name__ == "__main__":
        asyncio.run(main())
"""
BESIDE = {
    "in one gather": """
        await asyncio.gather(serve(), bot(build()))
""",
    "after a task that makes the app": """
        async def late():
            await bot(build())
        task = asyncio.create_task(late())
        await serve()
""",
    "after a connect": """
        await AsyncSocketModeHandler(build(), "xapp-1").connect_async()
        await serve()
""",
    "a site of aiohttp": """
        app = build()
        runner = web.AppRunner(web.Application())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        asyncio.get_running_loop().create_task(bot(app))
        while not runner.addresses:
            await asyncio.sleep(0.01)
        await serve()
""",
}


@pytest.fixture(autouse=True)
def hypercorn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of that name, which is not installed: it only tells that it serves."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "hypercorn").mkdir()
    (tmp_path / "hypercorn" / "__init__.py").touch()
    (tmp_path / "hypercorn" / "asyncio.py").write_text(HYPERCORN)
    for name in ("hypercorn", "hypercorn.asyncio"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize("way", BESIDE)
async def test_a_server_beside_socket_mode_serves(bolt: BoltApp, team: Team, way: str) -> None:
    """Pages for operators, webhooks and health checks are served as with Bolt, in whatever order the two start."""
    name = team(f"{PARTS}\n    async def main():{BESIDE[way]}\n{RUN}")
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]
    assert await asyncio.to_thread(sys.modules[name].served.wait, 60)


async def test_a_server_that_is_all_that_starts_does_not_serve(bolt: BoltApp, team: Team) -> None:
    """It has Bolt behind one of its routes, so what it received would pass the inbox by."""
    main = "    async def main():\n        app = build()\n        await asyncio.gather(serve(), asyncio.sleep(0))\n"
    name = team(f"{PARTS}\n{main}\n{RUN}")
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]
    assert not sys.modules[name].served.is_set()


def test_no_task_starts_an_app(team: Team, refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks beside a server get some time to start an app; then the message says that there is none."""
    monkeypatch.setattr(beside, "TASKS_SECONDS", 0.01)
    main = "    async def main():\n        await asyncio.gather(serve(), asyncio.Event().wait())\n"
    name = team(f"{PARTS}\n{main}\n{RUN}")
    (problem,) = refusal(f"{name}:__main__")
    assert "it starts a web server, and has made 0 apps before that" in problem


@pytest.mark.parametrize("error", [SystemExit(1), OSError("the port is taken")])
async def test_a_server_that_cannot_serve_ends_nothing_else(bolt: BoltApp, team: Team, error: BaseException) -> None:
    """Its port may be Anchorbolt's own, or that of another process: the log says so, and jobs beside it go on."""
    name = team(f"""{PARTS}
    went_on = threading.Event()

    async def job():
        await asyncio.to_thread(asked.wait)
        went_on.set()

    async def main():
        await asyncio.gather(bot(build()), job(), serve())

    if __name__ == "__main__":
        errors.append({error!r})
        asyncio.run(main())
    """)
    with capture_logs() as logs:
        register(bolt, f"{name}:__main__")
        assert await asyncio.to_thread(sys.modules["hypercorn.asyncio"].raised.wait, 60)
        sys.modules[name].asked.set()
        assert await asyncio.to_thread(sys.modules[name].went_on.wait, 60)
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["event"].startswith("a web server of a main block cannot serve")
