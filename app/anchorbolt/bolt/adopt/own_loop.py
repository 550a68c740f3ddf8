"""Lets a module run a coroutine while it is imported. With Bolt no event loop runs there yet; here ours does."""

from __future__ import annotations

import asyncio
import functools
import inspect
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import uvloop

# What runs a loop, and refuses where one runs already. Loops of uvloop's own cannot be changed like that.
RUN_A_LOOP: tuple[tuple[Any, str], ...] = (
    (asyncio, "run"),
    (asyncio.Runner, "run"),
    (asyncio.Runner, "close"),
    (asyncio.BaseEventLoop, "run_until_complete"),
    (anyio, "run"),
    (uvloop, "run"),
)


@contextmanager
def allowed() -> Iterator[None]:
    """While this lasts, what runs a coroutine in a loop of its own does so, though our loop runs in this thread.

    Ours waits meanwhile, as it does for all of the import. `run_until_complete` of ours runs a coroutine in such a loop
    too. Where no loop runs, as in the thread of a main block, there is nothing to do.
    """
    try:
        ours: Any = asyncio.get_running_loop()
    except RuntimeError:
        yield
        return
    importing = True  # a module may keep what it has imported by `from asyncio import run`

    def alone(run: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(run)
        def run_alone(*arguments: Any, **options: Any) -> Any:
            running = asyncio._get_running_loop()
            if not importing or running is None or running is not ours:
                return run(*arguments, **options)
            with _pausing(running):
                return run(*arguments, **options)

        return run_alone

    def run_until_complete(future: Any) -> Any:
        if not inspect.iscoroutine(future):  # a future of our loop cannot end while our loop waits
            return type(ours).run_until_complete(ours, future)
        return asyncio.run(future)

    with ExitStack() as undo:
        for owner, name in RUN_A_LOOP:
            run = getattr(owner, name)
            undo.callback(setattr, owner, name, run)
            setattr(owner, name, alone(run))
        ours.run_until_complete = run_until_complete
        undo.callback(delattr, ours, "run_until_complete")
        try:
            yield
        finally:
            importing = False


@contextmanager
def _pausing(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While this lasts, this running loop and its task do not count as running in this thread.

    asyncio has these functions for those who write event loops; they are in its documentation on extending it. Signals
    wake a loop up through the one descriptor of `signal.set_wakeup_fd`. It stays that of this loop, which hears of a
    signal when it goes on; a loop that handles signals itself takes it away, so that it is set again.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread:
        wakeup = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(wakeup)
    task: Any = asyncio.current_task()
    if task is not None:
        asyncio.tasks._leave_task(loop, task)
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        if in_main_thread:
            signal.set_wakeup_fd(wakeup)
        asyncio._set_running_loop(loop)
        if task is not None:
            asyncio.tasks._enter_task(loop, task)
