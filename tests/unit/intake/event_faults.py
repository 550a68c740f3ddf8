"""The faults of a play of events, each at a random moment, beside those of its databases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from anchorbolt.inbox.sql import now
from anchorbolt.inbox.stopping import Stopping
from anchorbolt.inbox.tables import lane as lanes
from sqlalchemy import Connection, select, update

from tests.support.leaping_loop import LeapingLoop
from tests.unit.intake.fickle_database import Mood
from tests.unit.intake.fickle_pod import Pod
from tests.unit.intake.played_event import CHANNEL

if TYPE_CHECKING:
    from tests.unit.intake.event_play import EventPlay

AWAY = Mood(fails=1)
# Processes of a play before its last one. Each takes time of the machine: the statements of its inbox are made anew.
MOST_PODS = 4


async def drain(play: EventPlay, chance: random.Random) -> None:
    """Replaces a process by another one, as a rollout does."""
    if (pod := _any_pod(play, chance)) is not None and len(play.pods) < MOST_PODS:
        await asyncio.gather(play.drain(pod), play.start(play.mood))


def drain_at_a_loss(play: EventPlay, pod: Pod, chance: random.Random) -> None:
    """Drains a process now and then at a commit whose answer is lost, as such faults come together."""

    def lost() -> None:
        if play.has_faults and pod.serves and len(play.pods) < MOST_PODS and chance.random() < 0.2:
            pod.serves = False
            play.going.append(asyncio.create_task(play.drain(pod)))
            play.going.append(asyncio.create_task(play.start(play.mood)))

    pod.database.on_lost = lost


async def die(play: EventPlay, chance: random.Random) -> None:
    """Ends a process at once, and starts another one."""
    if (pod := _any_pod(play, chance)) is not None and len(play.pods) < MOST_PODS:
        pod.die()
        await play.start(play.mood)


async def cut_off(play: EventPlay, chance: random.Random) -> None:
    """Takes its database away from a process for some time, which may be longer than a lease."""
    if (pod := _any_pod(play, chance)) is not None:
        pod.database.mood = AWAY
        await asyncio.sleep(chance.choice([0.1, 2, 12]))
        if pod.serves:
            pod.database.mood = play.mood


async def stand_still(play: EventPlay, chance: random.Random) -> None:
    """Lets all processes stand still, perhaps until their leases are over."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    loop.stand_still(chance.choice([1, 5, 12]))
    play.stood_still_at.append(loop.time())


async def lose_a_lease(play: EventPlay, chance: random.Random) -> None:
    """Ends a lease before its time, as a failover does that loses the last commits."""

    def lose(connection: Connection) -> None:
        held = connection.execute(select(lanes).where(lanes.c.owner.is_not(None)).order_by(lanes.c.name)).all()
        if held:
            one = chance.choice(held)
            connection.execute(update(lanes).where(lanes.c.name == one.name).values(claimable_at=now()))
            play.lost.add((one.name, one.owner, one.epoch))

    await play.memory.transact(lose)


async def cancel(play: EventPlay, chance: random.Random) -> None:
    """Cancels what runs in a thread, as an operator does."""
    lane = f"{CHANNEL}:{chance.choice(play.threads)}"
    await play.memory.transact(partial(Stopping().cancel_lane, name=lane, by="an operator"))


FAULTS: dict[str, Callable[[EventPlay, random.Random], Coroutine[Any, Any, None]]] = {
    "a drain": drain,
    "a death": die,
    "an outage": cut_off,
    "a standstill": stand_still,
    "a lost lease": lose_a_lease,
    "a cancellation": cancel,
}


async def cause(play: EventPlay, faults: list[str], chance: random.Random) -> None:
    """Causes one after the other, until it is cancelled."""
    while faults:
        await asyncio.sleep(chance.choice([0.001, 0.1, 1, 3]))
        play.going.append(asyncio.create_task(FAULTS[chance.choice(faults)](play, chance)))


def _any_pod(play: EventPlay, chance: random.Random) -> Pod | None:
    serving = [pod for pod in play.pods if pod.serves]
    return chance.choice(serving) if serving else None
