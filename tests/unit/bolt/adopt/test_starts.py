"""Apps that are started where a module is imported, or while the server runs, as public apps do it."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from typing import Any

import pytest
from anchorbolt.bolt.adopt import starts
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Team
from tests.unit.bolt.adopt.test_forms import APP, ASYNC_APP, names_of

SOCKET = "\n    from slack_bolt.adapter.socket_mode import SocketModeHandler\n"
AFTER = """
    @app.event("x")
    def after(): ...
"""
STARTS = {
    "app.start()": APP + "\n    app.start(3000)\n",
    "AsyncApp.start()": ASYNC_APP + "\n    app.start(3000)\n",
    "SocketModeHandler.start()": APP + SOCKET + '    SocketModeHandler(app, "xapp-1").start()\n',
    "an app that a function made": f"""
    def make():{APP.replace(chr(10), chr(10) + "    ")}
        return app
    make().start()
""",
}


@pytest.mark.parametrize("start", STARTS)
def test_an_import_that_starts_its_app_ends_there(bolt: BoltApp, team: Team, start: str) -> None:
    """With Bolt nothing after `start()` would run, so the app is taken there, and no line of its module is changed."""
    name = team(STARTS[start] + '\n    raise AssertionError("this does not run")\n')
    register(bolt, name)
    assert names_of(bolt) == ["mentioned"]
    assert sys.modules[name].__name__ == name


def test_the_modules_of_such_an_import_stay(bolt: BoltApp, team: Team) -> None:
    """A listener that imports a module later gets the one that was imported, and does not start its app again."""
    inner = team(APP + SOCKET + '    SocketModeHandler(app, "xapp-1").start()\n')
    outer = team(f"import {inner}\n")
    register(bolt, outer)
    assert names_of(bolt) == ["mentioned"]
    assert importlib.import_module(inner) is sys.modules[inner]


def test_an_import_that_connects_goes_on(bolt: BoltApp, team: Team) -> None:
    """`connect()` does not wait with Bolt, so listeners that are registered after it are taken too."""
    threads = threading.active_count()
    register(bolt, team(APP + SOCKET + '    SocketModeHandler(app, "xapp-1").connect()\n' + AFTER))
    assert names_of(bolt) == ["mentioned", "after"]
    assert threading.active_count() <= threads


def test_a_module_that_a_main_block_imports_may_connect(bolt: BoltApp, team: Team) -> None:
    """Such a module goes on too, and the app that it connected is the one of a main block that starts nothing more."""
    client = team(APP + SOCKET + '    SocketModeHandler(app, "xapp-1").connect()\n')
    main = team(f"from {client} import app\n@app.event('x')\ndef after(): ...\n")
    register(bolt, f"{main}:__main__")
    assert names_of(bolt) == ["mentioned", "after"]


def test_a_thread_that_starts_the_app_starts_nothing(bolt: BoltApp, team: Team) -> None:
    """A module may start its app in a thread of its own: the thread ends, and the log says why."""
    source = APP + SOCKET + '    import threading\n    handler = SocketModeHandler(app, "xapp-1")\n'
    started = "    started = threading.Thread(target=handler.start)\n    started.start()\n    started.join()\n"
    with capture_logs() as logs:
        register(bolt, team(source + started + AFTER))
    assert names_of(bolt) == ["mentioned", "after"]
    assert [line["call"] for line in logs if "call" in line] == ["SocketModeHandler.start()"]
    assert [line for line in logs if "a thread was started" in line["event"]] == []


def test_a_handler_that_is_only_made_is_no_thread_of_the_teams(bolt: BoltApp, team: Team) -> None:
    """A handler at module level, for a startup that connects it, has threads of slack_sdk's: no warning is for them."""
    with capture_logs() as logs:
        register(bolt, team(APP + SOCKET + '    handler = SocketModeHandler(app, "xapp-1")\n'))
    assert [line for line in logs if "a thread was started" in line["event"]] == []


async def test_a_startup_opens_no_connection_of_its_own(bolt: BoltApp, team: Team) -> None:
    """What a lifespan connects receives nothing, so that no delivery passes the inbox by; its shutdown may close it."""
    register(bolt, team(APP))
    app, async_app = App(token="xoxb-1", token_verification_enabled=False), AsyncApp(token="xoxb-1")
    handler: Any = SocketModeHandler(app, "xapp-1")  # Bolt has no types here
    async_handler: Any = AsyncSocketModeHandler(async_app, "xapp-1")
    with capture_logs() as logs:
        handler.connect()
        handler.start()
        app.start()
        await async_handler.connect_async()
        waiting = asyncio.create_task(async_handler.start_async())
        assert await asyncio.wait([waiting], timeout=0.1) == (set(), {waiting})
    calls = ["SocketModeHandler.connect()", "SocketModeHandler.start()", "app.start()"]
    calls += ["AsyncSocketModeHandler.connect_async()", "AsyncSocketModeHandler.start_async()"]
    assert [line["call"] for line in logs] == calls
    assert all(__file__ in line["place"] for line in logs[:4])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    handler.close()
    await async_handler.close_async()


async def test_a_handler_counts_as_connected_until_it_is_closed() -> None:
    """A health check of the team's asks its handler, and says that all is well while Anchorbolt receives for it."""
    starts.take_over()
    handler: Any = SocketModeHandler(App(token="xoxb-1", token_verification_enabled=False), "xapp-1")
    async_handler: Any = AsyncSocketModeHandler(AsyncApp(token="xoxb-1"), "xapp-1")
    for end in ("close", "disconnect"):
        handler.connect()
        assert handler.client.is_connected()
        getattr(handler, end)()
        assert not handler.client.is_connected()
        await async_handler.connect_async()
        assert await async_handler.client.is_connected()
        await getattr(async_handler, f"{end}_async")()
        assert not await async_handler.client.is_connected()
