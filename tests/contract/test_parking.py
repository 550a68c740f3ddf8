"""A parked lane is claimed by nobody until what it waits for is over, in one way in all databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome, Stored
from anchorbolt.inbox.parking import PARK_SECONDS, Parking, WakingInTurn, sentence
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import delivery, lane
from anchorbolt.worker.obstacles import ALL, Obstacles
from sqlalchemy import select, update

from tests.contract.steps import accept, claim, end, hold, item, keys

PARKING = Parking()


async def park(inbox: Inbox, held: Held, waits_for: str) -> None:
    """Ends a run that has not begun, because it waits for something."""
    outcome = Outcome(held.lease, held.stored.id, End.HELD, sentence(waits_for), PARK_SECONDS, waits_for=waits_for)
    assert (await inbox.complete(outcome)).written


async def do(inbox: Inbox, work: Callable[[Any], Any]) -> Any:
    """Calls a statement in a transaction."""
    return await inbox.store.transact(work)


async def test_it_waits_until_it_is_woken(inbox: Inbox) -> None:
    """A parked lane is not claimed, says what it waits for, and has no attempt; once woken it is as before."""
    await park(inbox, await hold(inbox, "C1", "A1:Ev1"), "pause:kind:event")
    assert await claim(inbox) == []
    assert await do(inbox, PARKING.waiting) == {"pause:kind:event": 1}
    assert await do(inbox, lambda c: PARKING.wake(c, "hold:other")) == 0
    assert await do(inbox, lambda c: PARKING.wake(c, "pause:kind:event")) == 1
    assert await do(inbox, PARKING.waiting) == {}, "from then on it has turns with others, and nobody puts it off again"
    (held,) = await claim(inbox)
    assert (held.stored.key, held.stored.attempts) == ("A1:Ev1", 1)


async def test_what_nobody_put_off_is_claimed_and_waits_for_it_no_more(inbox: Inbox) -> None:
    """Where no process of this version is left, the time of its parking ends."""
    await park(inbox, await hold(inbox, "C1", "A1:Ev1"), "pause:kind:event")
    await do(inbox, lambda c: c.execute(update(lane).values(claimable_at=lane.c.claimable_at - PARK_SECONDS)))
    assert keys(await claim(inbox)) == ["A1:Ev1"]
    assert await do(inbox, PARKING.waiting) == {}


async def test_the_listener_is_known_at_the_next_claim(inbox: Inbox) -> None:
    """Once it was matched, a delivery keeps the name of its listener, also where a run ends before it is matched."""
    held = await hold(inbox)
    outcome = Outcome(held.lease, held.stored.id, End.HELD, None, PARK_SECONDS, waits_for="limit:a", listener="a")
    await inbox.complete(outcome)
    await do(inbox, lambda c: PARKING.wake(c, "limit:a"))
    (again,) = await claim(inbox)
    assert again.stored.listener == "a"
    await end(inbox, again, End.HANDED_BACK)
    assert [one.stored.listener for one in await claim(inbox)] == ["a"]


async def test_some_are_woken_those_first_that_were_parked_first(inbox: Inbox) -> None:
    """Where there is room for two, the two go on that have waited longest, also after their wait was put off."""
    for n in range(4):
        await park(inbox, await hold(inbox, f"C{n}", f"A1:Ev{n}"), "limit:a")
    await do(inbox, lambda c: c.execute(update(lane).values(claimable_at=lane.c.claimable_at - PARK_SECONDS * 0.9)))
    assert await do(inbox, lambda c: PARKING.put_off(c, "limit:a")) == 4
    assert await do(inbox, lambda c: PARKING.put_off(c, "limit:a")) == 0
    wake = WakingInTurn(inbox.database.dialect)
    assert await do(inbox, lambda c: wake(c, "limit:a", 2)) == 2
    assert await do(inbox, PARKING.waiting) == {"limit:a": 2}, "what is woken waits for it no more"
    assert sorted(keys(await claim(inbox))) == ["A1:Ev0", "A1:Ev1"]


async def test_where_nothing_waits_nothing_is_woken(inbox: Inbox) -> None:
    """Others may have woken it first, and what waits for something else goes on to wait."""
    await park(inbox, await hold(inbox), "limit:b")
    wake = WakingInTurn(inbox.database.dialect)
    for _ in range(2):
        assert await do(inbox, lambda c: wake(c, "limit:a", 5)) == 0
    assert await do(inbox, PARKING.waiting) == {"limit:b": 1}


async def test_a_wait_is_put_off_by_half_its_time(inbox: Inbox) -> None:
    """What goes on waiting is looked at by all again when its time is over, and not much later."""
    await park(inbox, await hold(inbox, "C1"), "limit:a")
    await do(inbox, lambda c: c.execute(update(lane).values(claimable_at=now() + PARK_SECONDS / 4)) and None)
    assert await do(inbox, lambda c: PARKING.put_off(c, "limit:b")) == 0
    assert await do(inbox, lambda c: PARKING.put_off(c, "limit:a")) == 1
    left = await do(inbox, lambda c: c.execute(select(lane.c.claimable_at - now())).scalar_one())
    assert PARK_SECONDS / 2 < left <= PARK_SECONDS * 3 / 4


async def test_workspaces_are_woken_in_turn(inbox: Inbox) -> None:
    """A long queue of one workspace behind the limit of a listener does not keep another's waiting."""
    wake = WakingInTurn(inbox.database.dialect)
    for n in range(8):
        (accepted,) = await accept(inbox, replace(item(f"C{n}", f"A1:Ev{n}"), workspace="T1" if n < 6 else "T2"))
        assert accepted.held is not None
        await park(inbox, accepted.held, "limit:a")
    woken: list[str | None] = []
    for room in (1, 2, 3):
        assert await do(inbox, partial(wake, waits_for="limit:a", most=room)) == room
        woken += [one.stored.workspace for one in await claim(inbox)]
    assert sorted(map(str, woken[:3])) in (["T1", "T1", "T2"], ["T1", "T2", "T2"])
    assert woken.count("T2") == 2
    assert await do(inbox, PARKING.waiting) == {"limit:a": 2}
    assert await do(inbox, lambda c: wake(c, "limit:a", 10)) == 2


async def test_turns_go_on_from_wake_to_wake(inbox: Inbox) -> None:
    """Where there is room for one at a time, workspaces alternate; each thing that is waited for has its own turns."""
    wake = WakingInTurn(inbox.database.dialect)
    for n in range(12):
        workspace, waits_for = f"T{n % 2}", f"limit:{n % 3}"
        (accepted,) = await accept(inbox, replace(item(f"C{n:02}"), workspace=workspace))
        assert accepted.held is not None
        await park(inbox, accepted.held, waits_for)
    woken: dict[str, list[str | None]] = {"limit:0": [], "limit:1": []}
    for waits_for in [*woken] * 4:
        assert await do(inbox, partial(wake, waits_for=waits_for, most=1)) == 1
        woken[waits_for] += [one.stored.workspace for one in await claim(inbox)]
    assert woken == {waits_for: ["T0", "T1", "T0", "T1"] for waits_for in woken}
    assert await do(inbox, PARKING.waiting) == {"limit:2": 4}


async def test_what_comes_behind_it_waits_too(inbox: Inbox) -> None:
    """A parked lane keeps its order, and a lane that is parked is not taken by what arrives."""
    await park(inbox, await hold(inbox, "C1", "A1:Ev1"), "hold:a")
    (accepted,) = await accept(inbox, item("C1", "A1:Ev2"))
    assert accepted.held is None
    assert await claim(inbox) == []
    await do(inbox, lambda c: PARKING.wake(c, "hold:a"))
    (first,) = await claim(inbox)
    completed = await end(inbox, first, go_on=True)
    assert completed.following is not None
    assert completed.following.stored.key == "A1:Ev2"


async def test_a_pause_is_kept_with_who_and_ends_with_its_lanes(inbox: Inbox) -> None:
    """Two pauses at once leave the first; a resume wakes what waits for that pause and nothing else."""
    pauses = Pauses(inbox.database.dialect)
    assert await do(inbox, lambda c: pauses.pause(c, "workspace", "T1", "ann@host"))
    assert not await do(inbox, lambda c: pauses.pause(c, "workspace", "T1", "bob@host"))
    (one,) = await do(inbox, pauses.read)
    assert (one.scope, one.name, one.paused_by) == ("workspace", "T1", "ann@host")
    await park(inbox, await hold(inbox, "C1", "A1:Ev1"), "pause:workspace:T1")
    await park(inbox, await hold(inbox, "C2", "A1:Ev2"), "pause:workspace:T2")
    assert await do(inbox, lambda c: pauses.resume(c, "workspace", "T1"))
    assert not await do(inbox, lambda c: pauses.resume(c, "workspace", "T1"))
    assert keys(await claim(inbox)) == ["A1:Ev1"]


class Wall:
    """Holds everything of one sort while it stands."""

    needs_listener = False
    known = ("something",)

    def __init__(self) -> None:
        self.stands = True

    def holds(self, stored: Stored, listener: str | None) -> str | None:
        """Everything."""
        return "hold:wall" if self.stands else None

    def room(self, waits_for: str) -> int | None:
        """For all or none."""
        return None if waits_for != "hold:wall" else 0 if self.stands else ALL

    async def refresh(self) -> None:
        """Nobody else writes here."""


async def test_what_is_held_is_claimed_once(inbox: Inbox) -> None:
    """Of many held deliveries each is claimed once; looks leave them alone while they wait, and wake all at the end.

    That also holds when the time of their parking is nearly over.
    """
    many = 1_000
    await accept(inbox, *(item(f"C{n}", f"A1:Ev{n}", take=False) for n in range(many)))
    claimed = 0
    while held := await claim(inbox, 250):
        claimed += len(held)
        for one in held:
            await park(inbox, one, "hold:wall")
    assert claimed == many
    wall = Wall()
    obstacles = Obstacles(inbox, (wall,))
    for _ in range(3):
        assert await obstacles.look() == 0
        assert await claim(inbox) == []
        await do(inbox, lambda c: c.execute(update(lane).values(claimable_at=lane.c.claimable_at - PARK_SECONDS / 3)))
    await obstacles.look()
    soonest = await do(inbox, lambda c: c.execute(select(lane.c.claimable_at).order_by(lane.c.claimable_at)).first())
    assert soonest is not None
    wall.stands = False
    assert await obstacles.look() == many
    assert len(await claim(inbox, many)) == many


async def test_what_waits_for_something_unknown_runs(inbox: Inbox) -> None:
    """A lane that waits for a sort which this version does not know is woken: it runs, as it always did."""
    await park(inbox, await hold(inbox), "moon:full")
    assert await Obstacles(inbox, (Wall(),)).look() == 1
    assert len(await claim(inbox)) == 1


async def test_a_name_that_a_pause_may_have(inbox: Inbox) -> None:
    """A listener, kind, workspace or conversation is known by the deliveries that are kept with their bodies."""
    of_it = replace(item("C1", "A1:Ev1"), workspace="T1", conversation="D1")
    await accept(inbox, of_it)
    pauses = Pauses(inbox.database.dialect)
    names = [
        ("kind", "event"),
        ("workspace", "T1"),
        ("conversation", "D1"),
        ("listener", "app.on"),
        ("workspace", "D1"),
    ]
    known = [await do(inbox, partial(pauses.knows, scope=scope, name=name)) for scope, name in names]
    assert known == [True, True, True, False, False]
    ended = update(delivery).values(state="done")
    await do(inbox, lambda c: c.execute(ended) and None)
    assert not await do(inbox, lambda c: pauses.knows(c, "workspace", "T1"))


async def test_of_two_pauses_one_ends(inbox: Inbox) -> None:
    """The other one of its scope stays, and so does one of the same name in another scope."""
    pauses = Pauses(inbox.database.dialect)
    for scope, name in (("workspace", "T1"), ("workspace", "T2"), ("conversation", "T1")):
        assert await do(inbox, partial(pauses.pause, scope=scope, name=name, paused_by="ann"))
    assert await do(inbox, lambda c: pauses.resume(c, "workspace", "T1"))
    left = [(pause.scope, pause.name) for pause in await do(inbox, pauses.read)]
    assert sorted(left) == [("conversation", "T1"), ("workspace", "T2")]
