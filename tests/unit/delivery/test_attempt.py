"""What a listener of an urgent event may do: cancel what runs in a thread or a direct message."""

from __future__ import annotations

import pytest
from anchorbolt.delivery import Attempt, Kind


@pytest.mark.parametrize(("thread_ts", "lane"), [("1.1", "C1:1.1"), (None, "C1"), ("", "C1")])
@pytest.mark.parametrize("runs", [True, False])
async def test_a_listener_cancels_the_lane_of_a_thread(thread_ts: str | None, lane: str, *, runs: bool) -> None:
    """The lane is that of the thread, or of the direct message; the listener learns whether something runs there."""
    asked: list[tuple[str, str]] = []

    async def cancel(name: str, by: str) -> bool:
        asked.append((name, by))
        return runs

    assert await Attempt("A1:Ev1", Kind.EVENT, cancel=cancel).cancel_lane("C1", thread_ts) is runs
    assert asked == [(lane, "A1:Ev1")]


async def test_outside_of_a_server_nothing_runs() -> None:
    """In the tests of a team's listeners there is nothing to cancel."""
    assert await Attempt("A1:Ev1", Kind.EVENT).cancel_lane("C1") is False
