"""What listeners do at random, in the plays of interactions and of events."""

from __future__ import annotations

import asyncio
import random

from anchorbolt.bolt.run import Run


async def listen(run: Run, chance: random.Random) -> bool:
    """A part of a listener: it takes some time, calls Slack, fails, or swallows its cancellation.

    Returns whether it has ended well; False: it was cancelled and has swallowed that. Raises as listeners do.
    """
    fails, swallows = chance.random() < 0.15, chance.random() < 0.1
    try:
        for _ in range(chance.choice([0, 1, 2, 5, 20])):
            await _step(run, chance)
    except asyncio.CancelledError:
        if swallows:
            await asyncio.sleep(0.01)
            return False
        if fails:
            raise ConnectionResetError("its own connection was closed") from None
        raise
    if fails:
        raise chance.choice([ConnectionResetError, ValueError])("a failure of its own")
    return True


async def _step(run: Run, chance: random.Random) -> None:
    seconds = chance.choices([0, 0.001, 0.01 * chance.random(), 40], [60, 20, 20, 0.2])[0]
    if chance.random() < 0.3:
        begun = run.calls.begin("a call")
        try:
            await asyncio.sleep(seconds)
        finally:
            run.calls.end(begun)
    else:
        await asyncio.sleep(seconds)
