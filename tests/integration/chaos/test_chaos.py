"""Kills, stops, a cut and a restart of the database, while Slack sends. bench/chaos.py is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chaos.run import Plan, play
from tests.support.postgresql import PostgreSQL

PLAN = Plan(
    events=300,
    conversations=30,
    rate=25,
    lease_seconds=3,
    kill_every_seconds=2,
    stop_at=1,
    cut_at=4,
    cut_seconds=5,
    restarts_at=(7,),
)


@pytest.mark.timeout(300)
async def test_nothing_is_lost_and_no_lane_is_out_of_order(own_postgres: PostgreSQL, tmp_path: Path) -> None:
    """Whatever is done to three processes and their database: every acknowledged event ends, each lane runs in order,
    one at a time, and nothing runs twice without a reason."""
    report = await play(PLAN, own_postgres, tmp_path)
    print(report.counts())  # noqa: T201 - for whoever looks at a failure
    assert report.problems() == []
    # The faults were real: each of them happened, and the stopped process found its lanes to be another's.
    assert {fault.what for fault in report.faults} == {"kill", "stop", "cut", "restart"}
    assert len(report.account.acknowledged) > PLAN.events / 2
