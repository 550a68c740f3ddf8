"""The loop that sees to parked lanes: when it reads what others have written, what it wakes, and whom it tells."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome, Stored
from anchorbolt.worker import obstacles
from anchorbolt.worker.obstacles import ALL, Obstacles

from tests.support.waiting import until
from tests.unit.worker.conftest import Clock, stored


@dataclass
class Stands:
    """An obstacle with as much room as a test says, which is read again each time that it is refreshed."""

    room_of: dict[str, int] = field(default_factory=dict)
    read: int = 0
    held_by: str | None = None  # as far as is known
    found: str | None = None  # what the next read finds
    needs_listener: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """What holds each delivery back, if something does."""
        return (self.held_by,) if self.held_by is not None else ()

    def holds(self, _: Stored, listener: str | None) -> str | None:
        """What holds each delivery back."""
        return self.held_by

    def room(self, waits_for: str) -> int | None:
        """How many lanes may be woken."""
        return self.room_of.get(waits_for)

    async def refresh(self) -> None:
        """Counts that it was read."""
        self.read += 1
        self.held_by = self.found


@contextlib.asynccontextmanager
async def looking(mine: Obstacles) -> AsyncIterator[None]:
    """Its loop runs."""
    task = asyncio.create_task(mine.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def park(inbox: Inbox, lane: str, waits_for: str) -> None:
    """Parks a lane with one delivery."""
    item = Item(f"key of {lane}", lane, "event", "application/json", "{}", None, True, False)
    held = (await inbox.accept(item, time.monotonic() + 10)).held
    assert held is not None
    outcome = Outcome(held.lease, held.stored.id, End.HELD, "waits", 900.0, False, 1, waits_for)
    assert (await inbox.complete(outcome)).written


async def test_what_others_have_written_is_read_also_where_nobody_tells_of_it(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notification may be lost with its connection: what they wrote is read every few seconds too."""
    monkeypatch.setattr(obstacles, "POLL_SECONDS", 0.01)
    stands = Stands()
    async with looking(Obstacles(inbox, [stands], [stands])):
        await until(lambda: stands.read >= 3, what="it was read again and again")


async def test_who_is_told_reads_at_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds or releases something tells the other processes, and these do not wait for their next look."""
    monkeypatch.setattr(obstacles, "POLL_SECONDS", 1e6)
    stands = Stands()
    async with looking(Obstacles(inbox, [stands], [stands])):
        await until(lambda: stands.read == 1, what="it was read at the start")
        inbox.on_hold()
        await until(lambda: stands.read == 2, what="it was read again")


async def test_a_lane_that_has_room_again_is_woken_at_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the next look, which may be seconds away."""
    monkeypatch.setattr(obstacles, "POLL_SECONDS", 1e6)
    woken: list[None] = []
    inbox.on_wake = lambda: woken.append(None)
    await park(inbox, "C1", "limit:app.on")
    stands = Stands({"limit:app.on": 0})
    mine = Obstacles(inbox, [stands], [stands])
    assert await mine.look() == 0
    async with looking(mine):
        stands.room_of["limit:app.on"] = 1
        mine.has_room("limit:app.on")
        await until(lambda: woken, what="its lane is woken")
    assert (await inbox.claim(10)).held[0].lease.lane == "C1"


@pytest.mark.parametrize(("sort", "told"), [("hold", [1]), ("breaker", [1]), ("limit", [])])
async def test_whom_a_woken_lane_concerns(inbox: Inbox, sort: str, told: list[int]) -> None:
    """What is over is over for all processes, and these are told; a limit is one process's own, which wakes as many
    lanes as it can take itself."""
    others: list[int] = []
    inbox.wake_others = lambda: others.append(1)  # type: ignore[method-assign]
    for lane, listener in (("C1", "app.one"), ("C2", "app.two"), ("C3", "app.held")):
        await park(inbox, lane, f"{sort}:{listener}")
    others.clear()
    stands = Stands({f"{sort}:app.one": ALL, f"{sort}:app.two": 1, f"{sort}:app.held": 0})
    mine = Obstacles(inbox, [stands])
    assert await mine.look() == 2
    assert others == told
    assert {held.lease.lane for held in (await inbox.claim(10)).held} == {"C1", "C2"}
    assert await mine.look() == 0


async def test_a_wait_of_a_sort_that_this_version_does_not_know_is_over(inbox: Inbox) -> None:
    """A newer version may park lanes for what this one has never heard of: here they run, as they always did."""
    await park(inbox, "C1", "moon:full")
    assert await Obstacles(inbox, [Stands()]).look() == 1


async def test_what_was_read_is_not_read_again_for_nothing(inbox: Inbox) -> None:
    """A look because there is room reads only what is parked: each read is a statement more for the database."""
    stands = Stands()
    mine = Obstacles(inbox, [stands], [stands])
    for _ in range(3):
        await mine.look()
    assert stands.read == 1
    mine.told()
    await mine.look()
    assert stands.read == 2


async def test_a_hold_that_was_released_a_moment_ago_parks_nothing(inbox: Inbox) -> None:
    """What is known may be out of date, and the release has woken what was parked by then: what is parked after it
    would wait for long. So it is read once more, after the delivery began; one read is enough for all that have."""
    clock = Clock()
    stands = Stands(held_by="hold:app.on", found=None)
    mine = Obstacles(inbox, [stands], [stands], clock)
    assert await mine.confirmed(stored(1), "app.on", began=clock.now - 1) is None
    assert stands.read == 1
    stands.held_by = stands.found = "hold:app.on"
    assert await mine.confirmed(stored(2), "app.on", began=clock.now - 1) == "hold:app.on"
    assert stands.read == 1
    assert await mine.confirmed(stored(3), "app.on", began=clock.now) == "hold:app.on"
    assert stands.read == 2


async def test_a_limit_is_not_looked_up(inbox: Inbox) -> None:
    """It is counted in this process: nobody else can have ended the wait."""
    stands = Stands(held_by="limit:app.on", found=None)
    assert await Obstacles(inbox, [stands], [stands]).confirmed(stored(1), "app.on", began=1e9) == "limit:app.on"
    assert stands.read == 0
