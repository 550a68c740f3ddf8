"""A request of a play: an interaction whose listener does at random what listeners do, and what came of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sized
from dataclasses import dataclass, field
from functools import partial

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import FORM
from anchorbolt.errors import RefusedError
from anchorbolt.intake.interactions import Interactions
from anchorbolt.intake.slots import RequestSlot, RequestSlots
from anchorbolt.worker.runs import Cut, Running
from anchorbolt.worker.worker import Worker

from tests.support.told_runs import tell_of_its_end
from tests.unit.intake.listening import listen
from tests.unit.intake.playing import InOrder


class Slot(RequestSlot):
    """A slot that counts how often it is given back."""

    __slots__ = ("releases",)

    def __init__(self, slots: RequestSlots) -> None:
        super().__init__(slots)
        self.releases = 0

    def release(self) -> None:
        """Gives it back."""
        self.releases += 1
        super().release()


@dataclass(frozen=True)
class Answer:
    """What Bolt answers."""

    status_code: int = 200
    body: Sized = b""


@dataclass(eq=False)
class Played:
    """A request. Its listener has several parts at times, fails, swallows its cancellation, or takes very long."""

    delivery: Delivery = field(repr=False)
    chance: random.Random = field(repr=False)
    slots: list[Slot] = field(default_factory=list, repr=False)
    run: Run | None = field(default=None, repr=False)
    running: Running | None = field(default=None, repr=False)
    outcomes: list[str] = field(default_factory=list)  # of that run: one, if all is well
    asked: int = 0  # how often its listener was begun while Slack waited
    attempts: int = 0  # and how often from the inbox
    acknowledged: bool = False
    parts: int = 0
    ended_well: int = 0

    @property
    def well(self) -> bool:
        """Whether its listener has ended, and nothing was wrong with it, nor cut short."""
        return self.run is not None and self.ended_well == self.parts and not self.run.calls.refused

    def __str__(self) -> str:
        cut = self.running.cut if self.running is not None else None
        return f"{self.delivery.key}, cut: {cut}, {self!r}"

    @property
    def lease_lost(self) -> bool:
        """Whether it was cut because another process may run it by then; then it may run twice."""
        return self.running is not None and self.running.cut in {Cut.LOST, Cut.EXPIRED}

    async def send(self, interactions: Interactions, worker: Worker, slots: RequestSlots) -> None:
        """Comes in, as over HTTP: whoever holds the slot at the end gives it back."""
        slot = Slot(slots)
        self.slots.append(slot)
        deadline = asyncio.get_running_loop().time() + self.chance.choice([0.05, 0.3, 2.0])
        try:
            await interactions.answer(self.delivery, deadline, slot, partial(self._ask_bolt, worker))
        except RefusedError:
            pass
        finally:
            if not slot.kept:
                slot.release()

    async def run_again(self, run: Run) -> None:
        """An attempt from the inbox."""
        self.attempts += 1
        await asyncio.sleep(self.chance.choice([0, 0, 0.01, 1]))
        if self.chance.random() < 0.2:
            raise ConnectionResetError("again")

    async def _ask_bolt(self, worker: Worker, run: Run) -> Answer:
        chance = self.chance
        self.asked += 1
        run.tasks = InOrder()  # type: ignore[assignment]
        self.run, self.running = run, worker._begun[run]
        tell_of_its_end(run, self.outcomes.append)
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            self.parts += 1
            run.spawn(self._part(run))
        happens = chance.choices(["ack", "ack at its end", "failure", "no ack", "no request"], [85, 10, 2, 2, 1])[0]
        if happens == "ack at its end":
            while not run.ended:
                await asyncio.wait(run.tasks)
        for _ in range(chance.choice([0, 1, 2])):
            await asyncio.sleep(0)
        if happens == "no ack":
            await asyncio.sleep(60)
        if happens == "no request":
            raise ValueError("what Bolt cannot read")
        if happens == "failure":
            return Answer(500)
        self.acknowledged = True
        return Answer()

    async def _part(self, run: Run) -> None:
        if await listen(run, self.chance):
            self.ended_well += 1


def command(number: int) -> Delivery:
    """A command that is the same whenever it is made."""
    found = parse(f"command=/play&team_id=T1&channel_id=C1&user_id=U1&trigger_id={number}.1.play".encode(), FORM)
    assert isinstance(found, Delivery)
    return found
