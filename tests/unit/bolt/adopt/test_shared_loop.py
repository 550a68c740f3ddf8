"""An asynchronous `main()` of a main block shares its event loop with the listeners, as with Bolt."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

import pytest
from anchorbolt.bolt.adopt.block_thread import MainBlock
from anchorbolt.bolt.adopt.calls import let_go
from anchorbolt.bolt.adopt.main_blocks import run_main_blocks
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from anchorbolt.errors import ListenersError
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Team
from tests.unit.bolt.adopt.test_forms import names_of

MAIN = """
    import asyncio, threading, uvloop
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp
    ended = threading.Event()

    async def main():
        global loop, queue, done
        loop, queue, done = asyncio.get_running_loop(), asyncio.Queue(), asyncio.Queue()
        app = AsyncApp(token="xoxb-1")
        @app.event("app_mention")
        async def mentioned(): ...
        task = asyncio.create_task(work())
        try:
            await AsyncSocketModeHandler(app, "xapp-1").start_async()
        finally:
            ended.set()

    async def work():
        while True:
            await done.put(await queue.get())

    if __name__ == "__main__":
"""
RUNS = {
    "asyncio.run": "asyncio.run(main())",
    "uvloop.run": "uvloop.run(main())",
    "the current loop": "asyncio.get_event_loop().run_until_complete(main())",
    "two runs": "asyncio.run(asyncio.sleep(0)); asyncio.run(main())",
}


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """Ends what the blocks have begun, as the end of the process does."""
    before = asyncio.all_tasks()
    yield
    begun = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
    let_go()


async def _taken(bolt: BoltApp, name: str) -> None:
    blocks = await run_main_blocks(f"{name}:__main__", bolt.client.base_url)
    register(bolt, f"{name}:__main__", blocks=blocks)


@pytest.mark.parametrize("run", RUNS)
async def test_main_runs_in_the_loop_of_the_listeners(bolt: BoltApp, team: Team, run: str) -> None:
    """What a listener puts into a queue of `main()` arrives there; in two loops it would never wake its worker."""
    name = team(f"{MAIN}        {RUNS[run]}\n")
    await _taken(bolt, name)
    assert names_of(bolt) == ["mentioned"]
    module = sys.modules[name]
    assert module.loop is asyncio.get_running_loop()
    await module.queue.put("from a listener")
    async with asyncio.timeout(60):
        assert await module.done.get() == "from a listener"


SYNCHRONOUS = {
    "made before": ("from slack_bolt import App\n    app = App(token='xoxb-1')", "global app"),
    "imported before": ("from slack_bolt import App", "app = App(token='xoxb-1')"),
    "unforeseen": ("", "from slack_bolt import App\n        app = App(token='xoxb-1')"),
}


@pytest.mark.parametrize("when", SYNCHRONOUS)
@pytest.mark.timeout(60)
async def test_a_synchronous_start_in_main_does_not_stop_our_loop(bolt: BoltApp, team: Team, when: str) -> None:
    """`main()` of a synchronous app may block its loop, so it has one of its own; an unforeseen start ends it."""
    before, in_main = SYNCHRONOUS[when]
    name = team(f"""
    import asyncio
    {before}
    from slack_bolt.adapter.socket_mode import SocketModeHandler
    loops = []
    async def main():
        {in_main}
        app.event("app_mention")(lambda: None)
        loops.append(asyncio.get_running_loop())
        SocketModeHandler(app, "xapp-1").start()
    if __name__ == "__main__":
        asyncio.run(main())
    """)
    await _taken(bolt, name)
    assert len(names_of(bolt)) == 1
    (loop,) = sys.modules[name].loops
    assert (loop is asyncio.get_running_loop()) is (when == "unforeseen")


async def test_a_run_in_a_thread_of_the_team_is_let_be(bolt: BoltApp, team: Team) -> None:
    """A thread that a block has begun runs its coroutines in a loop of its own, as with Bolt; it is warned of."""
    name = team(f"""{MAIN}
        loops = []
        async def note():
            loops.append(asyncio.get_running_loop())
        def job():
            asyncio.run(note())
            noted.set()
            over.wait()
        noted, over = threading.Event(), threading.Event()
        threading.Thread(target=job, name="the team's job", daemon=True).start()
        noted.wait()
        asyncio.run(main())
    """)
    with capture_logs() as logs:
        await _taken(bolt, name)
    module = sys.modules[name]
    module.over.set()
    assert module.loops[0] is not asyncio.get_running_loop()
    assert [line["thread"] for line in logs if "thread" in line] == ["the team's job"]


async def test_main_ends_with_the_process(bolt: BoltApp, team: Team) -> None:
    """When the loop ends, `main()` is cancelled, so that its `finally` runs; the log has no error of that."""
    name = team(f"{MAIN}        asyncio.run(main())\n")
    before = asyncio.all_tasks()
    threads = set(threading.enumerate())
    await _taken(bolt, name)
    (block,) = [one for one in set(threading.enumerate()) - threads if isinstance(one, MainBlock)]
    with capture_logs() as logs:
        for task in asyncio.all_tasks() - before:
            task.cancel()
        await asyncio.to_thread(block.join, 60)
    assert sys.modules[name].ended.is_set()
    assert logs == []


FAILS = {
    "sys.exit(3)": "it ends the process when it is imported",
    "{}['token']": "KeyError: 'token'",
    "await asyncio.sleep(0)": "started no app",
}


@pytest.mark.parametrize("line", FAILS)
async def test_what_ends_main_before_it_starts_an_app(bolt: BoltApp, team: Team, line: str) -> None:
    """It is told as without an event loop, and ends nothing but the start."""
    main = f"async def main():\n    {line}\n"
    name = team(f"import asyncio, sys\n{main}if __name__ == '__main__':\n    asyncio.run(main())\n")
    with pytest.raises(ListenersError) as error:
        await _taken(bolt, name)
    assert FAILS[line] in str(error.value.problems)


@pytest.mark.parametrize("listeners", ["", "no_such_module", "one,,two"])
async def test_without_a_main_block_nothing_is_run(listeners: str) -> None:
    """What is wrong with LISTENERS is told when it is registered."""
    assert (await run_main_blocks(listeners, "http://127.0.0.1:1/api/")).came == {}
