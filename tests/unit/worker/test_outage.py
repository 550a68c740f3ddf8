"""A delivery that is alone during an outage outlasts it by its attempts: no breaker opens for one."""

from __future__ import annotations

from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.lease import End
from anchorbolt.settings.model import Settings
from anchorbolt.telemetry import metrics
from anchorbolt.worker.verdict import Limits, judge
from sqlalchemy import Row

from tests.support.waiting import until_answer
from tests.unit.worker.conftest import Bench, event
from tests.unit.worker.steps import LATER

OUTAGE_SECONDS = 15 * 60
NAMES = ("max_attempts", "max_crashes", "backoff_base_seconds", "backoff_cap_seconds", "run_timeout_seconds")
DEFAULTS = Limits(**{name: Settings.model_fields[name].default for name in NAMES})


def test_the_attempts_last_longer_than_an_outage() -> None:
    """With the default settings, and the shortest backoff that chance can choose after each attempt."""
    waited, attempt = 0.0, 1
    while (verdict := judge(ConnectionResetError("away"), attempt, DEFAULTS, lambda: 0.0)).end is End.RETRY:
        waited += verdict.delay_seconds
        attempt += 1
    assert verdict.end is End.DEAD
    assert waited > OUTAGE_SECONDS


async def test_one_delivery_survives_an_outage(bench: Bench) -> None:
    """Its listener fails for a quarter of an hour, nothing else runs meanwhile, and it is done after that.

    What failed with over half of its attempts was counted, for the alert.
    """
    began, late_before = bench.clock.now, metrics.late_failures.value()

    async def away(run: Run) -> None:
        if bench.clock.now < began + OUTAGE_SECONDS:
            raise ConnectionRefusedError("Slack is away")

    worker, dispatch = bench.worker(away, limits=DEFAULTS)
    worker.start()
    one = event()
    await worker.accept(one, LATER, reserved=await worker.reserve())

    async def done() -> Row[Any] | None:
        row, lane = await bench.row(one.key), await bench.lane(one.lane)
        if lane is not None and lane.owner is None:
            bench.clock.now = max(bench.clock.now, lane.claimable_at)
            bench.inbox.on_wake()
        return row if row.state != "live" else None

    row = await until_answer(done, what="it has ended")
    assert row.state == "done"
    assert len(dispatch.runs) <= DEFAULTS.max_attempts
    failed = len(dispatch.runs) - 1
    assert metrics.late_failures.value() - late_before == failed - DEFAULTS.max_attempts // 2
    await worker.stop()
