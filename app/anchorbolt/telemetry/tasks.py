"""Background tasks whose exceptions are logged, and whether the task that runs is being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from anchorbolt.telemetry.logs import get_logger

log = get_logger("tasks")


def spawn(
    work: Coroutine[Any, Any, None], name: str, among: set[asyncio.Task[None]] | None = None
) -> asyncio.Task[None]:
    """Starts a task. Its exception, if it raises one, is logged.

    `among`: a set that holds the task until it has ended; without it, the caller has to keep a reference.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    if among is None:
        task.add_done_callback(log_error)
        return task

    def let_go(task: asyncio.Task[None]) -> None:
        among.discard(task)
        log_error(task)

    among.add(task)
    task.add_done_callback(let_go)
    return task


def is_being_cancelled() -> bool:
    """Whether somebody has cancelled the task that runs. A listener may raise CancelledError without that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def log_error(task: asyncio.Task[None]) -> None:
    """Logs the exception that a task has ended with, if it raised one."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task ended with an error", task=task.get_name(), exc_info=error)
