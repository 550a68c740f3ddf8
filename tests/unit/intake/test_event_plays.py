"""Whatever happens to events in lanes, and at whatever moment: what is promised of them holds.

Each promise is a function, which yields what breaks it. `SEEDS=1000-2000` plays others than those of every day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from tests.unit.intake import playing
from tests.unit.intake.event_play import EventPlay
from tests.unit.intake.played_event import PlayedRun
from tests.unit.worker.conftest import LIMITS


def runs(play: EventPlay) -> Iterator[PlayedRun]:
    """All runs, also those of processes that have died since."""
    return (run for event in play.events.values() for run in event.runs)


def nothing_that_was_acknowledged_is_lost(play: EventPlay) -> Iterator[object]:
    """It comes to an end: done after a run that ended well, or a dead letter after one that did not, or cancelled."""
    for event in play.events.values():
        row = play.rows.get(event.delivery.key)
        if row is None:
            if event.acknowledged_at is not None:
                yield f"{event}: not stored"
            continue
        last = event.runs[-1] if event.runs else None
        is_right = {
            "done": last is not None and last.ended_well,
            "dead": row.crashes >= LIMITS.max_crashes or (last is not None and last.run.error is not None),
            "cancelled": "a cancellation" in play.faults or play.urgent > 0,
        }
        if not is_right.get(row.state, False):
            yield f"{event}: {row.state}"


def a_run_begins_only_under_a_lease(play: EventPlay) -> Iterator[object]:
    """Its lane is its process's when it begins, by the same claim, and for some time yet."""
    for one in runs(play):
        lane = one.lane
        is_its_own = lane is not None and (one.lease.lane, lane.owner, lane.epoch) == one.claim
        if one.claim not in play.lost and (lane is None or not is_its_own or lane.claimable_at <= one.began):
            yield one


def a_lane_keeps_its_order(play: EventPlay) -> Iterator[object]:
    """What runs is the oldest of its lane that has not ended, and what Slack sent behind an answer is younger."""
    yield from (one for one in runs(play) if one.lane is not None and one.lane.head != one.id)
    for event in play.events.values():
        for other in play.events.values():
            if event.acknowledged_at is not None and event.acknowledged_at < other.sent_at:
                mine, its = (play.rows.get(one.delivery.key) for one in (event, other))
                if mine is not None and its is not None and mine.lane == its.lane and mine.id > its.id:
                    yield f"{event} is behind {other}"


def a_lane_runs_one_at_a_time(play: EventPlay) -> Iterator[object]:
    """Unless the lease of a run ended before its time, or all processes stood still while it ran."""
    for one in runs(play):
        for other in one.beside:
            stood_still = any(other.began <= at <= one.began for at in play.stood_still_at)
            if other.claim not in play.lost and not stood_still:
                yield f"{one} beside {other}"


def nothing_runs_again_that_has_ended_well(play: EventPlay) -> Iterator[object]:
    """A run is repeated where it failed, was cut short, or lost its lease; and each of these counts as what it was."""
    for event in play.events.values():
        yield from (f"{event}: {one.tries} tries" for one in event.runs[:1] if one.tries != 1)
        for before, after in pairwise(event.runs):
            crashed = after.run.attempt.crashes > before.run.attempt.crashes
            outcome = before.outcomes[0] if before.outcomes else "not known"
            is_again = crashed or outcome in {"failed", "handed back"} or not before.counts
            if not is_again or (before.ended_well and not crashed):
                yield f"{event}: {before}, then {after}"
            elif outcome in {"failed", "handed back"} and after.tries - before.tries != (outcome == "failed"):
                yield f"{event}: {before.tries} tries before {after}"


def a_lease_is_kept_where_nothing_fails(play: EventPlay) -> Iterator[object]:
    """Nothing is taken over from a process that lives and reaches its database."""
    if set(play.faults) <= {"a drain", "a cancellation"} and not play.mood.fails and not play.is_slow:
        yield from (row for row in play.rows.values() if row.crashes)


def what_is_called_lost_was_taken_over(play: EventPlay) -> Iterator[object]:
    """By another claim, that has counted it as cut short, or has run it by then."""
    for event in play.events.values():
        for one in event.runs:
            is_elsewhere = any(one.began < other.began <= one.told_at for other in event.runs)
            is_counted = play.rows[event.delivery.key].crashes > one.run.attempt.crashes
            if one.outcomes == ["lost"] and not is_elsewhere and not is_counted:
                yield f"{event}: {one}"


def each_run_is_over_once(play: EventPlay) -> Iterator[object]:
    """The log and the metrics hear of each end, and of none twice, unless its process died before."""
    for one in runs(play):
        if len(one.outcomes) != 1 and not (one.pod.died and not one.outcomes):
            yield one


def all_is_given_back(play: EventPlay) -> Iterator[object]:
    """After a drain no lane is leased to its process, and all of its slots are free."""
    yield from play.owned
    yield from (left for pod in play.pods for left in pod.left)


def nothing_is_left(play: EventPlay) -> Iterator[object]:
    """No task and no listener goes on behind the end."""
    yield from play.left
    yield from (one for one in runs(play) if one.goes_on)


PROMISES: list[Callable[[EventPlay], Iterator[object]]] = [
    nothing_that_was_acknowledged_is_lost,
    a_run_begins_only_under_a_lease,
    a_lane_keeps_its_order,
    a_lane_runs_one_at_a_time,
    nothing_runs_again_that_has_ended_well,
    a_lease_is_kept_where_nothing_fails,
    what_is_called_lost_was_taken_over,
    each_run_is_over_once,
    all_is_given_back,
    nothing_is_left,
    playing.nothing_is_complained_of,
]


@pytest.mark.parametrize("seed", playing.seeds(40))
def test_what_is_promised_of_events_holds_at_any_moment(seed: int) -> None:
    """None is lost, none runs out of turn or twice without a reason, and slots and leases are given back."""
    play = playing.played(EventPlay(seed))
    broken = playing.broken(play, PROMISES)
    said = f"SEEDS={seed}-{seed + 1} plays it again: {play.faults}, {play.mood}"
    assert not broken, "\n".join([said, *broken])
