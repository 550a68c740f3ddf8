"""Lets a module run a coroutine while it is imported. With Bolt no event loop runs there yet; here ours does."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def allowed() -> Iterator[None]:
    """While this lasts, `asyncio.run` and `run_until_complete` of the running loop run a coroutine to its end.

    It runs in this thread, in an event loop of its own; ours waits meanwhile, as it does for all of the import. Where
    no loop runs, as in the thread of a main block, there is nothing to do.
    """
    try:
        ours: Any = asyncio.get_running_loop()
    except RuntimeError:
        yield
        return
    run = asyncio.run
    importing = True  # a module may keep what it has imported by `from asyncio import run`

    def run_alone(main: Coroutine[Any, Any, Any], **options: Any) -> Any:
        running = asyncio._get_running_loop()
        if not importing or running is None or running is not ours:
            return run(main, **options)
        with _pausing(running):
            return run(main, **options)

    def run_until_complete(future: Any) -> Any:
        if not inspect.iscoroutine(future):  # a future of our loop cannot end while our loop waits
            return type(ours).run_until_complete(ours, future)
        return run_alone(future)

    asyncio.run, ours.run_until_complete = run_alone, run_until_complete
    try:
        yield
    finally:
        importing = False
        asyncio.run = run
        del ours.run_until_complete


@contextmanager
def _pausing(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While this lasts, this running loop and its task do not count as running in this thread.

    asyncio has these functions for those who write event loops; they are in its documentation on extending it. Signals
    wake a loop up through the one descriptor of `signal.set_wakeup_fd`, which a loop that closes takes away.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    wakeup = signal.set_wakeup_fd(-1) if in_main_thread else -1
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
