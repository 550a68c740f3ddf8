"""What one process does not finish, another does: after its lease when it died, at once when it said so."""

from __future__ import annotations

import asyncio
import itertools
import time

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.chaos.history import runs_of
from tests.support.waiting import until

LEASE_SECONDS = 3.0
LANES = 20
# A process that stands still for 30 s is ended by its master when it goes on: there must be less to do meanwhile.
FEW_LANES = 6


async def test_takeover_after_a_kill(start_pods: StartPods, slack: Slack) -> None:
    """What a killed process ran in 20 lanes runs again elsewhere, after the lease; `bench.takeover` says how soon."""
    pods = await start_pods(2, LEASE_SECONDS=LEASE_SECONDS)
    log = pods.listener_log
    # 1. One process runs a listener in each lane, and dies.
    await slack.events(pods[0], LANES, "hold=never", LANES)
    held = await log.until_said("start", LANES)
    pods[0].app.kill()
    log.release("never")
    # 2. The other one runs them all.
    everything = await log.until_said("start", 2 * LANES)
    await log.until_said("done", LANES)
    taken_over = everything[LANES:]
    assert {entry.key for entry in taken_over} == {entry.key for entry in held}
    assert {entry.pid for entry in taken_over} == pods[1].worker_pids
    # 3. Not before the lease was over, which is why nothing ran twice at once.
    started = min(entry.at for entry in held)
    assert all(entry.at > started + LEASE_SECONDS for entry in taken_over)
    assert {(entry.attempt, entry.crashes) for entry in taken_over} == {(2, 1)}


async def test_hand_back_at_sigterm(start_pods: StartPods, slack: Slack) -> None:
    """What a process cannot finish in its drain goes on elsewhere at once, not after the lease, which is an hour."""
    pods = await start_pods(2, LEASE_SECONDS=3600, DRAIN_TIMEOUT_SECONDS=0)
    log = pods.listener_log
    # 1. One process runs a listener in each lane, something waits behind it, and it is told to end.
    await slack.events(pods[0], 2 * LANES, "hold=go", LANES)
    await log.until_said("start", LANES)
    pods[0].app.terminate()
    # 2. The other one goes on with all of them.
    goes_on = (await log.until_said("start", 2 * LANES))[LANES:]
    assert {entry.pid for entry in goes_on} == pods[1].worker_pids
    # 3. Nothing of it was held against the deliveries.
    assert {(entry.attempt, entry.crashes) for entry in goes_on} == {(1, 0)}
    assert await pods[0].app.until_ended() == 0
    log.release("go")
    await log.until_said("done", 2 * LANES)


async def test_a_process_that_stood_still_writes_nothing(start_pods: StartPods, slack: Slack) -> None:
    """A process that is stopped for three leases and goes on has its completions refused, and says so; beside its
    old run nothing of a lane ran twice at once."""
    pods = await start_pods(2, LEASE_SECONDS=LEASE_SECONDS)
    log = pods.listener_log
    # 1. It runs a listener in each lane, more waits behind them, and it stands still.
    keys = await slack.events(pods[0], 3 * FEW_LANES, "hold=go", FEW_LANES)
    (stopped,) = pods[0].worker_pids
    await log.until_said("start", FEW_LANES)
    pods[0].app.freeze()
    # 2. The other one takes all lanes over, and finishes what was in them.
    await log.until_said("start", 2 * FEW_LANES)
    log.release("go")
    await log.until_said("done", 3 * FEW_LANES)
    await asyncio.sleep(max(0, log.entries("start")[0].at + 3 * LEASE_SECONDS - time.time()))
    # 3. It goes on: every end of its old runs is refused.
    pods[0].app.thaw()
    refused = await until(
        lambda: found if len(found := pods[0].app.log(REFUSED)) >= FEW_LANES else None, what=f"{FEW_LANES} refusals"
    )
    assert {line["key"] for line in refused} == set(keys[:FEW_LANES])
    # 4. In each lane, without the stopped process: one at a time, in order, each once.
    runs = [run for run in runs_of(log.entries(), []) if run.pid != stopped]
    assert sorted(run.key for run in runs) == sorted(keys)
    for lane in range(FEW_LANES):
        of_lane = [run for run in runs if run.key in keys[lane::FEW_LANES]]
        assert [run.key for run in of_lane] == keys[lane::FEW_LANES]
        assert all(one.end <= next_.start for one, next_ in itertools.pairwise(of_lane))
    # 5. And it works on.
    last = await slack.event(pods[0], "", lane=FEW_LANES)
    assert last.ok
    await log.until_said("done", key=last.sample.key)


REFUSED = "completion refused: the lane is another's by now"
