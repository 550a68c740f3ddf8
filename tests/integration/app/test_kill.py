"""SIGKILL in the middle of work: what was acknowledged ends all the same."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace

from anchorbolt.emulator.player import Ack, Player
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.listener_log import Entry, ListenerLog
from tests.support.waiting import until

LANES = 20
EVENTS_A_LANE = 10
PLACES = 8


def in_order(entries: list[Entry]) -> dict[str, list[int]]:
    """The numbers of the events, by lane (the text tells it), in the order of what was said."""
    lanes: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        lanes[entry.text.split()[0]].append(entry.n)
    return dict(lanes)


def running(log: ListenerLog) -> int:
    """How many runs wait for the kill: those that began and have not ended."""
    waiting = {entry.key for entry in log.entries("start") if entry.n >= 2}
    return len(waiting - set(log.counts("done")))


async def send_lane(player: Player, lane: int) -> list[Ack]:
    """The events of one thread, one after the other, as far as they are answered."""
    scene = Scene(channel_id=f"C{lane:03}", thread_ts="1760000000.000100")
    # From the third on they wait for the kill, so that it cuts some however slow the machine is.
    texts = [f"lane={lane} n={n} " + ("hold=killed" if n >= 2 else "work=0.05") for n in range(EVENTS_A_LANE)]
    return [await player.send(make("message", replace(scene, text=text))) for text in texts]


async def test_after_a_kill_every_acknowledged_event_ends_in_order(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """Of 200 events, cut by SIGKILL, each acknowledged one ends, once but for those that ran, in order in its lane."""
    app = start_app(RUN_CONCURRENCY=PLACES)
    await app.until_ready()
    # 1. Some have ended and some run when the process is killed, while more arrive.
    sending = [asyncio.create_task(send_lane(play_to(app), lane)) for lane in range(LANES)]
    await until(lambda: running(listener_log) == PLACES, what="every place has a run that waits")
    app.kill()
    listener_log.release("killed")
    acks = [ack for lane in await asyncio.gather(*sending) for ack in lane]
    acknowledged = {ack.sample.key for ack in acks if ack.status == 200}
    done_before = listener_log.counts("done")
    ran_at_the_kill = set(listener_log.counts("start")) - set(done_before)
    assert done_before
    assert len(ran_at_the_kill) == PLACES
    # 2. A new process goes on with them.
    again = start_app(RUN_CONCURRENCY=PLACES)
    await again.until_ready()
    await until(lambda: acknowledged <= set(listener_log.counts("done")), what="all acknowledged events have ended")
    # 3. Once, but for what was held at the kill: it ran, was about to, or had ended just before that was written.
    again.terminate()
    assert await again.until_ended() == 0
    twice = {key for key, times in listener_log.counts("start").items() if times > 1}
    cut = {entry.key for entry in listener_log.entries("start") if entry.crashes}
    assert twice <= cut
    assert ran_at_the_kill <= cut
    assert len(cut) <= PLACES, "more were cut than there were places"
    # 4. In order: within a lane, the first starts come one after the other.
    firsts: dict[str, Entry] = {}
    for entry in listener_log.entries("start"):
        firsts.setdefault(entry.key, entry)
    assert all(numbers == sorted(numbers) for numbers in in_order(list(firsts.values())).values())
    ends = listener_log.entries("done")
    assert all(numbers == sorted(numbers) for numbers in in_order(ends).values())
