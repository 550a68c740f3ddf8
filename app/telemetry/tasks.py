"""Background tasks that do not end unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from app.telemetry.logs import get_logger

log = get_logger("tasks")


def spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Starts a task. The caller keeps hold of it; an exception that nobody expected is logged, never swallowed."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task ended with an error", task=task.get_name(), exc_info=error)
