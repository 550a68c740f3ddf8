"""Whatever happens to interactions, and at whatever moment: what is promised of them holds.

Each promise is a function, which yields what breaks it. `SEEDS=1000-2000` plays others than those of every day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.unit.intake import playing
from tests.unit.intake.play import Play
from tests.unit.intake.played import Played


def begun(play: Play) -> list[Played]:
    """The requests whose listener was begun; none where the process failed, which leaves that to another one."""
    return [one for one in play.requests.values() if one.run is not None and play.end != "stopped"]


def each_slot_is_given_back_once(play: Play) -> Iterator[object]:
    """None is lost, so that requests are refused for ever, and none is given to two."""
    for one in play.requests.values():
        kept = play.end == "stopped" and any(slot.kept for slot in one.slots)
        yield from (one for slot in one.slots if slot.releases != 1 and not kept)


def each_run_is_over_once(play: Play) -> Iterator[object]:
    """The log and the metrics hear of each end, and of none twice."""
    yield from (one for one in begun(play) if len(one.outcomes) != 1)


def one_that_comes_again_runs_nothing(play: Play) -> Iterator[object]:
    """A request that is sent twice has one run."""
    yield from (one for one in play.requests.values() if one.asked > 1)


def what_was_acknowledged_comes_to_its_end(play: Play) -> Iterator[object]:
    """Where its listener was cut, or has failed, another attempt follows, or the log says that it is lost."""
    for one in begun(play):
        row = play.rows.get(one.delivery.key)
        goes_on = row is not None and (one.attempts > 0 or row.state in {"dead", "cancelled"})
        is_told = one.outcomes != ["done"] and (goes_on or one.outcomes == ["lost"])
        if one.acknowledged and not one.well and not is_told:
            yield f"{one}, stored: {row and row.state}"


def nothing_is_lost_unless_a_write_failed(play: Play) -> Iterator[object]:
    """A database that is only slow loses nothing that was acknowledged."""
    if not play.mood.fails:
        yield from (one for one in begun(play) if one.outcomes == ["lost"] and not one.lease_lost)


def what_has_ended_well_is_done_and_not_run_again(play: Play) -> Iterator[object]:
    """Nothing that was not cut short runs twice, unless its lease was lost."""
    for one in begun(play):
        row = play.rows.get(one.delivery.key)
        if one.acknowledged and one.well and not one.lease_lost:
            is_done = one.outcomes == ["done"] and (row is None or row.state == "done")
            if one.attempts or not is_done:
                yield f"{one}, stored: {row and row.state}"


def what_was_not_acknowledged_is_not_stored(play: Play) -> Iterator[object]:
    """Slack has told its user that it failed; nobody does it behind that."""
    for one in begun(play):
        if not one.acknowledged and (one.attempts or one.delivery.key in play.rows):
            yield one


def every_lane_is_given_back(play: Play) -> Iterator[object]:
    """The next process need not wait for the end of a lease, unless it is another's by now."""
    yield from play.owned - play.lost


def nothing_is_left(play: Play) -> Iterator[object]:
    """No run, no task and no listener goes on behind the end, and no write is waited for that is over."""
    yield from play.left
    yield from (one for one in play.requests.values() if one.run is not None and one.run.on_all_ended is not None)


PROMISES: list[Callable[[Play], Iterator[object]]] = [
    each_slot_is_given_back_once,
    each_run_is_over_once,
    one_that_comes_again_runs_nothing,
    what_was_acknowledged_comes_to_its_end,
    nothing_is_lost_unless_a_write_failed,
    what_has_ended_well_is_done_and_not_run_again,
    what_was_not_acknowledged_is_not_stored,
    every_lane_is_given_back,
    nothing_is_left,
    playing.nothing_is_complained_of,
]


@pytest.mark.parametrize("seed", playing.seeds(60))
def test_what_is_promised_of_interactions_holds_at_any_moment(seed: int) -> None:
    """Slots, runs, answers and leases are as promised, whatever fails, is cut or ends, and whenever that happens."""
    play = playing.played(Play(seed))
    broken = playing.broken(play, PROMISES)
    assert not broken, "\n".join([f"SEEDS={seed}-{seed + 1} plays it again: {play.end}, {play.mood}", *broken])
