"""Waits for a write of the inbox in such a way that cancelling the wait does not cancel the write."""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.timers import call_at


def settled(writing: asyncio.Future[Any]) -> asyncio.Future[None]:
    """Returns a future that is done when `writing` is; the caller then asks `writing` for its result or error.

    It does what `asyncio.shield` does with two callbacks and two iterations of the event loop less.
    """
    over: asyncio.Future[None] = writing.get_loop().create_future()

    def tell(_: object) -> None:
        if not over.done():
            over.set_result(None)

    writing.add_done_callback(tell)
    return over


def settled_by(writing: asyncio.Future[Any], at: float) -> asyncio.Future[bool]:
    """As `settled`, until a time of the event loop's clock: the future's result is whether `writing` was done by then.

    A Timeout around `settled` would cancel the waiting task, and so cost twice as much.
    """
    over: asyncio.Future[bool] = writing.get_loop().create_future()
    late = call_at(at, _tell, over, False)

    def tell(_: object) -> None:
        late.cancel()
        _tell(over, True)

    writing.add_done_callback(tell)
    return over


def _tell(over: asyncio.Future[bool], in_time: bool) -> None:
    if not over.done():
        over.set_result(in_time)
