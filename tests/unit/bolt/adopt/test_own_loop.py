"""A module that runs a coroutine while it is imported, as it can under Bolt, where no event loop runs there yet."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register

from tests.unit.bolt.adopt.conftest import Refusal, Team
from tests.unit.bolt.adopt.test_forms import APP, names_of

Serve = Callable[[Coroutine[Any, Any, None]], None]

CALLS = {
    "asyncio.run": "found = asyncio.run(setup())",
    "from asyncio import run": "found = run(setup())",
    "the loop of this thread": "found = asyncio.get_event_loop().run_until_complete(setup())",
    "a new loop": "found = asyncio.new_event_loop().run_until_complete(setup())",
    "a runner": "with asyncio.Runner() as runner:\n        found = runner.run(setup())",
    "uvloop.run": "found = uvloop.run(setup())",
    "anyio.run": "found = anyio.run(setup)",
    "again and again": "found = asyncio.get_event_loop().run_until_complete(setup())\n    found = asyncio.run(setup())",
}
SETUP = """
    import asyncio, anyio, uvloop
    from asyncio import run
    async def setup():
        task = asyncio.current_task()
        await asyncio.sleep(0)
        assert asyncio.current_task() is task
        return "set up"
    {call}
"""


async def _loaded(bolt: BoltApp, name: str) -> None:
    """Registers the module in a task of a running loop, as `serve` does. That loop and its task go on as before."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    register(bolt, name)
    assert (asyncio.get_running_loop(), asyncio.current_task()) == (loop, task)
    await asyncio.sleep(0.001)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("serve", [uvloop.run, asyncio.run])
def test_it_runs_to_its_end(bolt: BoltApp, team: Team, call: str, serve: Serve) -> None:
    """The module gets what the coroutine returns, and the app is taken."""
    name = team(APP + SETUP.format(call=CALLS[call]))
    serve(_loaded(bolt, name))
    assert sys.modules[name].found == "set up"
    assert names_of(bolt) == ["mentioned"]


async def test_what_it_raises_is_shown_with_its_line(team: Team, refusal: Refusal) -> None:
    """A coroutine that fails refuses the module, and the loop that was running goes on."""
    name = team(APP + SETUP.format(call="asyncio.run(setup(1))").replace("setup():", "setup(of):\n        1 / 0"))
    (problem,) = refusal(name)
    assert "ZeroDivisionError: division by zero (" in problem
    assert f"{name}.py:" in problem
    await asyncio.sleep(0.001)


async def test_after_the_import_asyncio_is_itself_again(bolt: BoltApp, team: Team) -> None:
    """A listener that calls `asyncio.run` is told that a loop runs, also by the function that its module has kept."""
    run, run_until_complete = asyncio.run, asyncio.BaseEventLoop.run_until_complete
    name = team(APP + SETUP.format(call="run(setup())"))
    register(bolt, name)
    module = sys.modules[name]
    assert asyncio.run is run
    assert asyncio.BaseEventLoop.run_until_complete is run_until_complete
    for again in (asyncio.run, module.run, asyncio.Runner().run, asyncio.get_running_loop().run_until_complete):
        coroutine = module.setup()
        with pytest.raises(RuntimeError, match="running"):
            again(coroutine)
        coroutine.close()


async def _hears(bolt: BoltApp, name: str, *then: int) -> None:
    """Handles SIGUSR2 in a running loop, registers the module, sends itself `then`, and waits until one has come."""
    came = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, came.set)
    register(bolt, name)
    for number in then:
        os.kill(os.getpid(), number)
    await asyncio.wait_for(came.wait(), 30)


@pytest.mark.parametrize("serve", [uvloop.run, asyncio.run])
def test_a_signal_that_comes_meanwhile_reaches_our_loop(bolt: BoltApp, team: Team, serve: Serve) -> None:
    """A pod that is to end while a module runs its coroutine begins its drain after the import."""
    setup = "async def setup():\n        os.kill(os.getpid(), signal.SIGUSR2)\n        await asyncio.sleep(0.001)\n"
    name = team(APP + f"\n    import asyncio, os, signal\n    {setup}    asyncio.run(setup())\n")
    serve(_hears(bolt, name))


@pytest.mark.parametrize("serve", [uvloop.run, asyncio.run])
def test_signals_still_reach_the_loop_that_was_running(bolt: BoltApp, team: Team, serve: Serve) -> None:
    """A module that handles signals in the loop of its import takes none from ours: a drain begins with one."""
    setup = "async def setup():\n        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)\n"
    name = team(APP + f"\n    import asyncio, signal\n    {setup}    asyncio.run(setup())\n")
    serve(_hears(bolt, name, signal.SIGUSR2))


@pytest.mark.parametrize(
    "call",
    [
        "uvloop.new_event_loop().run_until_complete(coroutine)",
        "asyncio.get_event_loop().run_until_complete(future)",
        "raise ValueError(\"Can't patch loop of type <class 'uvloop.Loop'>\")  # as nest_asyncio.apply() does",
    ],
)
async def test_another_way_is_refused_with_the_form_that_works(team: Team, refusal: Refusal, call: str) -> None:
    """A loop of uvloop's, a future of the loop that runs, or nest_asyncio: the form is told that runs in a thread."""
    name = team(
        APP + "\n    import asyncio, uvloop\n    async def setup(): ...\n    coroutine = setup()\n"
        f"    future = asyncio.ensure_future(coroutine)\n    {call}\n"
    )
    (problem,) = refusal(name)
    assert problem.endswith(f"; name it {name}:__main__, which runs it in a thread without one")
