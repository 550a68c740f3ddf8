"""Apps that are built and started under `if __name__ == "__main__":`, in the ways in which public apps do it."""

from __future__ import annotations

import asyncio
import pickle
import signal
import sys
import threading
from pathlib import Path

import pytest
from anchorbolt.bolt.adopt.block_thread import MainBlock
from anchorbolt.bolt.adopt.calls import let_go
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Refusal, Team
from tests.unit.bolt.adopt.test_forms import names_of

SYNC = """
    from slack_bolt import App
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    def build():
        app = App(token="xoxb-1")
        @app.event("app_mention")
        def mentioned(): ...
        return app
"""
ASYNC = """
    import asyncio
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp

    async def main():
        app = AsyncApp(token="xoxb-1")
        @app.event("app_mention")
        async def mentioned(): ...
        await AsyncSocketModeHandler(app, "xapp-1").{start}()
"""
MAINS = {
    "Socket Mode": f"""{SYNC}
    if __name__ == "__main__":
        SocketModeHandler(build(), "xapp-1").start()
""",
    "a function that connects and waits": f"""{SYNC}
    def main():
        handler = SocketModeHandler(build(), "xapp-1")
        handler.connect()
        import threading
        threading.Event().wait()

    if __name__ == "__main__":
        main()
""",
    "a port of its own": f"""{SYNC}
    if __name__ == "__main__":
        build().start(port=3000)
""",
    "a start that catches everything": f"""{SYNC}
    if __name__ == "__main__":
        try:
            build().start()
        except Exception:
            raise SystemExit(1)
""",
    "Socket Mode, asynchronous": f"""{ASYNC.format(start="start_async")}
    if __name__ == "__main__":
        asyncio.run(main())
""",
    "in the loop that asyncio has for the main thread": f"""{ASYNC.format(start="start_async")}
    async def beside():
        await asyncio.Event().wait()

    if __name__ == "__main__":
        loop = asyncio.get_event_loop()
        loop.create_task(beside())
        loop.run_until_complete(main())
""",
    "in a loop that it closes": f"""{ASYNC.format(start="start_async")}
    if __name__ == "__main__":
        loop = asyncio.get_event_loop()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()
""",
    "with a web server beside it": f"""{ASYNC.format(start="start_async")}
    import uvicorn

    async def both():
        await asyncio.gather(main(), uvicorn.Server(uvicorn.Config(None)).serve())

    if __name__ == "__main__":
        asyncio.run(both())
""",
    "with a web server that comes first": f"""{ASYNC.format(start="start_async")}
    import uvicorn

    async def later():
        await asyncio.sleep(0.05)
        await main()

    async def both():
        await asyncio.gather(uvicorn.Server(uvicorn.Config(None)).serve(), later())

    if __name__ == "__main__":
        asyncio.run(both())
""",
    "with handlers of signals": f"""{ASYNC.format(start="start_async")}
    import signal

    async def guarded():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
        await main()

    if __name__ == "__main__":
        signal.signal(signal.SIGINT, print)
        asyncio.run(guarded())
""",
    "with handlers of signals in a loop of uvloop": f"""{ASYNC.format(start="start_async")}
    import signal, uvloop

    async def guarded():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
        await main()

    if __name__ == "__main__":
        uvloop.run(guarded())
""",
    "connected, asynchronous": f"""{ASYNC.format(start="connect_async")}
    if __name__ == "__main__":
        asyncio.run(main())
""",
}


@pytest.mark.parametrize("main", MAINS)
async def test_the_app_that_a_main_block_starts_is_taken(bolt: BoltApp, team: Team, main: str) -> None:
    """`module:__main__` registers the app that the block starts, and no handler of signals is left.

    In a running event loop, as in the process that serves. Of threads, only that of the block is left, which waits.
    """
    threads = set(threading.enumerate())
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    register(bolt, team(MAINS[main]) + ":__main__")
    assert names_of(bolt) == ["mentioned"]
    assert all(isinstance(one, MainBlock) for one in set(threading.enumerate()) - threads)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_what_a_main_block_defines_can_be_pickled(bolt: BoltApp, team: Team) -> None:
    """For a process pool, or into a file: the module is `__main__` until its block ends, as with Bolt."""
    main, earlier = sys.modules["__main__"], set(threading.enumerate())
    name = team(f"    class Task: ...\n    def work(): ...\n{MAINS['Socket Mode']}")
    register(bolt, f"{name}:__main__")
    module = sys.modules[name]
    assert pickle.loads(pickle.dumps(module.work)) is module.work
    assert isinstance(pickle.loads(pickle.dumps(module.Task())), module.Task)
    assert sys.modules["__main__"] is module
    (block,) = set(threading.enumerate()) - earlier
    let_go()
    block.join()
    assert sys.modules["__main__"] is main


OPEN = """
    opened, closed = [], []

    class Pool:
        def __enter__(self):
            opened.append(self)
        def __exit__(self, *_):
            closed.append(self)
"""
SERVERS = {
    "Socket Mode": 'SocketModeHandler(app, "xapp-1").start()',
    "a web server": "import waitress; waitress.serve(app)",
    "asynchronous": """
            async def main():
                await AsyncSocketModeHandler(app, "xapp-1").start_async()
            asyncio.run(main())""",
}


@pytest.mark.parametrize("server", SERVERS)
async def test_what_the_block_closes_at_its_end_stays_open(
    bolt: BoltApp, team: Team, server: str, tmp_path: Path
) -> None:
    """Listeners use what the block has opened around its start; with Bolt, too, it is open until the process ends."""
    (tmp_path / "waitress.py").write_text("def serve(app):\n    raise AssertionError('this does not run')\n")
    name = team(f"""{ASYNC.format(start="start_async")}
    from slack_bolt.adapter.socket_mode import SocketModeHandler
    from slack_bolt import App
    {OPEN}
    if __name__ == "__main__":
        app = App(token="xoxb-1")
        @app.event("app_mention")
        def mentioned(): ...
        with Pool():
            {SERVERS[server]}
    """)
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]
    module = sys.modules[name]
    assert len(module.opened) == 1
    assert module.closed == []


async def test_tasks_that_the_block_has_begun_go_on(bolt: BoltApp, team: Team) -> None:
    """A job beside Socket Mode runs on after the app was taken, in the event loop of the block."""
    name = team(f"""{ASYNC.format(start="start_async")}
    import threading
    asked, answered = threading.Event(), threading.Event()

    async def job():
        await asyncio.to_thread(asked.wait)
        answered.set()

    async def both():
        await asyncio.gather(job(), main())

    if __name__ == "__main__":
        asyncio.run(both())
    """)
    register(bolt, f"{name}:__main__")
    module = sys.modules[name]
    module.asked.set()
    assert await asyncio.to_thread(module.answered.wait, 60)


CONNECTS = {
    "synchronous": f"""{SYNC}
    def main():
        handler = SocketModeHandler(build(), "xapp-1")
        handler.connect()
        after(handler.client.is_connected())
""",
    "asynchronous": """
    import asyncio
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp

    async def main():
        app = AsyncApp(token="xoxb-1")
        @app.event("app_mention")
        async def mentioned(): ...
        handler = AsyncSocketModeHandler(app, "xapp-1")
        await handler.connect_async()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
        after(await handler.client.is_connected())
        await asyncio.Event().wait()
""",
}


@pytest.mark.parametrize("connects", CONNECTS)
async def test_what_follows_a_connect_runs(bolt: BoltApp, team: Team, connects: str) -> None:
    """`connect()` does not wait with Bolt, so jobs that the block begins after it run, and it may set its handlers."""
    start = "asyncio.run(main())" if connects == "asynchronous" else "main()"
    name = team(f"""{CONNECTS[connects]}
    import signal, threading
    ran, connected = threading.Event(), []

    def after(is_connected):
        signal.signal(signal.SIGTERM, print)
        connected.append(is_connected)
        ran.set()

    if __name__ == "__main__":
        {start}
    """)
    handler = signal.getsignal(signal.SIGTERM)
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]
    module = sys.modules[name]
    assert await asyncio.to_thread(module.ran.wait, 60)
    assert module.connected == [True]
    assert signal.getsignal(signal.SIGTERM) == handler


async def test_socket_mode_in_a_thread_of_the_block(bolt: BoltApp, team: Team) -> None:
    """The app that a thread of the block starts is taken, and the block goes on, with its jobs, in its own thread.

    No warning tells of a thread: these two would only wait.
    """
    name = team(f"""{SYNC}
    import threading
    ended = threading.Event()

    if __name__ == "__main__":
        threading.Thread(target=SocketModeHandler(build(), "xapp-1").start, daemon=True).start()
        ended.wait()  # as a loop of jobs does
    """)
    with capture_logs() as logs:
        register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]
    assert [line for line in logs if "thread" in line] == []
    sys.modules[name].ended.set()


def test_a_block_that_has_ended_when_its_thread_starts_the_app(bolt: BoltApp, team: Team) -> None:
    """Python goes on while a thread does, so the app is taken that a thread of the block starts after its end."""
    name = team(f"""{SYNC}
    import threading
    ended = threading.Event()

    def serve():
        ended.wait()
        SocketModeHandler(build(), "xapp-1").start()

    if __name__ == "__main__":
        threading.Thread(target=serve).start()
        ended.set()
    """)
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["mentioned"]


async def test_what_a_block_raises_after_its_start_is_told(bolt: BoltApp, team: Team) -> None:
    """With Bolt the process would end with a traceback. Here the app goes on, and the log has the error."""
    name = team(f"""{ASYNC.format(start="start_async")}
    import threading
    asked = threading.Event()

    async def job():
        await asyncio.to_thread(asked.wait)
        1 / 0

    async def both():
        await asyncio.gather(job(), main())

    if __name__ == "__main__":
        asyncio.run(both())
    """)
    before = set(threading.enumerate())
    register(bolt, f"{name}:__main__")
    (block,) = [one for one in set(threading.enumerate()) - before if isinstance(one, MainBlock)]
    with capture_logs() as logs:
        sys.modules[name].asked.set()
        await asyncio.to_thread(block.join, 60)
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["event"] == "a main block has ended after it started its app"
    assert "ZeroDivisionError: division by zero (" in line["error"]


def test_a_second_app_of_a_block_is_warned_of(bolt: BoltApp, team: Team) -> None:
    """Only one app is taken of a block; the log says that the other one gets no requests."""
    name = team(f"""{ASYNC.format(start="start_async")}
    import threading
    both_started = threading.Event()

    async def tell():
        for _ in range(10):  # by then, both have come to their start
            await asyncio.sleep(0)
        both_started.set()

    async def two():
        await asyncio.gather(main(), main(), tell())

    if __name__ == "__main__":
        asyncio.run(two())
    """)
    with capture_logs() as logs:
        register(bolt, f"{name}:__main__")
        assert sys.modules[name].both_started.wait(60)
    assert names_of(bolt) == ["mentioned"]
    assert [line for line in logs if "second app" in line["event"]]


def test_the_thread_of_the_block_is_not_warned_of(bolt: BoltApp, team: Team) -> None:
    """It does nothing but wait; threads that the block has begun are warned of as those of an import are."""
    with capture_logs() as logs:
        register(bolt, team(MAINS["Socket Mode"]) + ":__main__")
    assert [line for line in logs if "thread" in line] == []


def test_the_module_keeps_its_own_name(bolt: BoltApp, team: Team) -> None:
    """The module and its listeners have its own name, and the process keeps its arguments."""
    arguments = sys.argv
    name = team(MAINS["Socket Mode"])
    register(bolt, f"{name}:__main__")
    assert sys.modules[name].__name__ == name
    (listener,) = bolt._async_listeners
    assert listener.qualified_name == f"{name}.mentioned"  # type: ignore[attr-defined] # of our listeners
    assert sys.argv == arguments


def test_the_arguments_of_a_command_line(bolt: BoltApp, team: Team) -> None:
    """What follows `__main__` are the arguments of `python -m`, quoted as in a shell: which agent, which file."""
    name = team(f"""{SYNC}
    import argparse
    if __name__ == "__main__":
        parser = argparse.ArgumentParser()
        parser.add_argument("agent")
        parser.add_argument("--config")
        given = parser.parse_args()
        SocketModeHandler(build(), "xapp-1").start()
    """)
    arguments = sys.argv
    register(bolt, f"{name}:__main__ agents/one --config 'a file.toml'")
    assert names_of(bolt) == ["mentioned"]
    assert vars(sys.modules[name].given) == {"agent": "agents/one", "config": "a file.toml"}
    assert sys.argv == arguments


def test_a_package_is_run_by_its_main(bolt: BoltApp, tmp_path: Path, team: Team) -> None:
    """A package is run as `python -m` runs it, so that its `__main__` imports its neighbours by a leading dot."""
    inner = team(MAINS["Socket Mode"].replace('if __name__ == "__main__":', "def start():"))
    package = tmp_path / f"package_of_{inner}"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / f"{inner}.py").rename(package / "inner.py")
    (package / "__main__.py").write_text("from .inner import start\nstart()\n")
    register(bolt, f"{package.name}:__main__")
    assert names_of(bolt) == ["mentioned"]


def test_a_main_block_that_starts_no_app_is_refused(team: Team, refusal: Refusal) -> None:
    """The message says what was run and what was looked for."""
    (problem,) = refusal(team(SYNC) + ":__main__")
    assert "started no app: looked for app.start(), SocketModeHandler(app, ...).start() and web servers" in problem


def test_a_main_block_that_fails_shows_its_line(team: Team, refusal: Refusal) -> None:
    """A variable that is missing is shown with the team's own line."""
    name = team('import os\nif __name__ == "__main__":\n    os.environ["NO_SUCH_VARIABLE"]\n')
    (problem,) = refusal(f"{name}:__main__")
    assert "KeyError: 'NO_SUCH_VARIABLE'" in problem
    assert f"{name}.py:3" in problem


def test_no_such_module(refusal: Refusal) -> None:
    """A module that is not there is named, as without `__main__`."""
    (problem,) = refusal("no_such_module:__main__")
    assert "no module named 'no_such_module' can be imported" in problem


def test_an_imported_function_does_not_stand_for_the_app_of_the_block(
    bolt: BoltApp, team: Team, refusal: Refusal
) -> None:
    """Without `__main__` the app of the block is not left out without a word; who wants only the function names it."""
    listeners = team("def register_listeners(app):\n    app.event('app_mention')(mentioned)\ndef mentioned(): ...\n")
    name = team(f"""
    from slack_bolt import App
    from {listeners} import register_listeners
    if __name__ == "__main__":
        app = App(token="xoxb-1")
        register_listeners(app)
        app.start()
    """)
    (problem,) = refusal(name)
    assert f"as {name}:__main__, or only the function as {name}:register_listeners" in problem
    register(bolt, f"{name}:register_listeners")
    assert names_of(bolt) == ["mentioned"]
