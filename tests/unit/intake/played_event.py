"""An event of a play: its listener does at random what listeners do, and each of its runs is noted."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import JSON
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.errors import StoreError
from anchorbolt.inbox.lease import Lease

from tests.unit.intake.fickle_pod import Pod
from tests.unit.intake.listening import listen

CHANNEL = "C1"


class Lane(NamedTuple):
    """A lane in the database. `head`: the oldest delivery in it that has not ended."""

    owner: str | None
    epoch: int
    claimable_at: float
    head: int | None


@dataclass(eq=False)
class PlayedRun:
    """One attempt. `lane`, and what ran in it `beside`: as it was when this began. `told_at`: when its outcome was."""

    pod: Pod = field(repr=False)
    run: Run = field(repr=False)
    id: int
    lease: Lease
    lane: Lane | None
    beside: list[PlayedRun]
    began: float
    outcomes: list[str] = field(default_factory=list)  # one, if all is well
    ended_well: bool = False
    told_at: float = 0.0
    goes_on: bool = True

    @property
    def tries(self) -> int:
        """Its number, without those that were cut short by the end of a process."""
        return self.run.attempt.attempt - self.run.attempt.crashes

    @property
    def claim(self) -> tuple[str, str, int]:
        """The claim of its lane, as no other one is called."""
        return self.lease.lane, self.pod.inbox.owner, self.lease.epoch

    @property
    def counts(self) -> bool:
        """Whether its process is alive: what one does that has died does not happen."""
        return self.pod.alive


@dataclass(eq=False)
class PlayedEvent:
    """An event, and what came of it. Some come twice."""

    delivery: Delivery
    chance: random.Random = field(repr=False)
    runs: list[PlayedRun] = field(default_factory=list)
    sent_at: float = 0.0
    acknowledged_at: float | None = None

    async def send(self, pods: Sequence[Pod]) -> None:
        """Slack sends it to any process; where that refuses it, and now and then anyway, up to three times more."""
        chance, time = self.chance, asyncio.get_running_loop().time
        self.sent_at = time()
        for _ in range(4):
            serving = [pod for pod in pods if pod.serves]
            if serving and await chance.choice(serving).send(self.delivery, chance.choice([0.25, 0.5, 2.5])):
                if self.acknowledged_at is None:
                    self.acknowledged_at = time()
                if chance.random() < 0.9:
                    return
            await asyncio.sleep(chance.choice([0, 0.01, 1]))

    async def listen(self, run: Run, threads: Sequence[str]) -> bool:
        """Its listener, with parts that begin behind its end. Returns whether nothing was wrong with it, nor cut.

        `threads`: an urgent event stops what runs in one of these.
        """
        chance, ended = self.chance, list[bool]()
        if is_urgent(self.delivery.lane):
            try:
                await run.attempt.cancel_lane(CHANNEL, chance.choice(threads))
            except StoreError:
                raise ConnectionResetError("it could not stop it") from None

        async def part(chance: random.Random) -> None:
            ended.append(await listen(run, chance))

        parts = [random.Random(chance.random()) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        try:
            if chance.random() < 0.1:
                await self._wait_at_a_gate(run)
            await part(parts[0])
            if (task := asyncio.current_task()) is not None and not task.cancelling():  # as in listener_runner.py
                for one in parts[1:]:
                    run.spawn(part(one))
            await run.wait()
        except asyncio.CancelledError:
            run.cancel()
            await run.wait()
            raise
        return len(ended) == len(parts) and all(ended) and not run.calls.refused

    async def _wait_at_a_gate(self, run: Run) -> None:
        begun = run.calls.begin("a call")
        try:
            run.calls.begin_wait()
            try:
                await asyncio.sleep(self.chance.choice([0, 0.01, 1, 12]))
            finally:
                run.calls.end_wait()
        finally:
            run.calls.end(begun)


def event(number: int, thread: str | None) -> Delivery:
    """A message in this thread, the same whenever it is made. None: an event that stops something."""
    inner = {"type": "message", "channel": CHANNEL, "user": "U1", "ts": f"1760000001.{number:06}", "thread_ts": thread}
    if thread is None:
        inner = {
            "type": "agent_session_stopped",
            "channel": CHANNEL,
            "user": "U1",
            "thread_ts": "1.1",
            "event_ts": "1.1",
        }
    outer = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": f"Ev{number}", "event": inner}
    found = parse(json.dumps(outer).encode(), JSON)
    assert isinstance(found, Delivery)
    return found
