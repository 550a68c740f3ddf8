"""To wait for a write: whoever stops waiting takes nothing from it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from anchorbolt.worker.settled import settled


async def test_who_stops_waiting_does_not_stop_the_write() -> None:
    """Cancelled, the waiter is gone; the write goes on to its end, for whoever else waits."""
    writing: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait() -> str:
        await settled(writing)
        return writing.result()

    gone, stays = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    assert not writing.done()
    writing.set_result("written")
    assert await stays == "written"


async def test_a_write_that_failed_is_over_too() -> None:
    """How it ended is asked of the write itself."""
    writing: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    over = settled(writing)
    writing.set_exception(OSError("no disk"))
    await over
    with pytest.raises(OSError, match="no disk"):
        writing.result()


async def test_what_is_over_already_is_not_waited_for_long() -> None:
    """Also where it was over before."""
    writing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    writing.set_result(None)
    await asyncio.wait_for(settled(writing), 1)
