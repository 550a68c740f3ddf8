"""Tests wait for a condition, never for a time; the bound is there for what will never happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")

# A machine that does ten things at once is slow, and no test is about speed.
WITHIN_SECONDS = 40.0
LOOK_EVERY_SECONDS = 0.02


async def until(
    condition: Callable[[], Result | None], within_seconds: float = WITHIN_SECONDS, *, what: str = "the condition"
) -> Result:
    """The first value of `condition` that is true. Raises AssertionError, with `what` in it, when there is none."""
    give_up_at = time.monotonic() + within_seconds
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"not within {within_seconds:g} s: {what}"
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return found


async def until_answer(
    ask: Callable[[], Awaitable[Result | None]], within_seconds: float = WITHIN_SECONDS, *, what: str = "the answer"
) -> Result:
    """The same for a condition that has to be awaited."""
    give_up_at = time.monotonic() + within_seconds
    while not (found := await ask()):
        assert time.monotonic() < give_up_at, f"not within {within_seconds:g} s: {what}"
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return found
