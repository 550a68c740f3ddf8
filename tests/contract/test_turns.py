"""Workspaces take turns when more of them wait than there are slots: in one way in all databases."""

from __future__ import annotations

from dataclasses import replace

from anchorbolt.delivery.urgent import URGENT_SIGN
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.parking import PARK_SECONDS
from anchorbolt.inbox.tables import lane
from sqlalchemy import func, select, update

from tests.contract.steps import accept, claim, end, item


async def queue(inbox: Inbox, workspace: str | None, lanes: int, sign: str = "") -> None:
    """Accepts deliveries of one workspace, a lane each, that nobody has taken."""
    items = [
        replace(item(f"{sign}{workspace}-{n:04}", f"A1:{workspace}-{n:04}", take=False), workspace=workspace)
        for n in range(lanes)
    ]
    await accept(inbox, *items)


def workspaces(held: list[Held]) -> list[str | None]:
    """Of what was claimed, in the order of the claims."""
    return [one.stored.workspace for one in held]


async def test_a_long_queue_lets_others_go_before(inbox: Inbox) -> None:
    """With 1,000 lanes of one workspace before five of another, these are among the first ten that are claimed."""
    await queue(inbox, "T1", 1_000)
    await queue(inbox, "T2", 5)
    claimed = workspaces(await claim(inbox, 10))
    assert sorted(map(str, claimed)) == ["T1"] * 5 + ["T2"] * 5


async def test_turns_go_on_from_claim_to_claim(inbox: Inbox) -> None:
    """Where one slot at a time becomes free, each workspace has every third, also one whose lanes name none."""
    await queue(inbox, "T1", 20)
    await queue(inbox, "T2", 20)
    await queue(inbox, None, 20)
    claimed = [workspace for _ in range(9) for workspace in workspaces(await claim(inbox, 1))]
    assert sorted(map(str, claimed[:3])) == ["None", "T1", "T2"]
    assert claimed[3:] == claimed[:3] * 2


async def test_more_workspaces_than_slots_are_all_served(inbox: Inbox) -> None:
    """Ten workspaces and three slots: nobody has a second turn before all have had their first."""
    for n in range(10):
        await queue(inbox, f"T{n}", 5)
    claimed = [workspace for _ in range(10) for workspace in workspaces(await claim(inbox, 3))]
    assert {workspace: claimed.count(workspace) for workspace in claimed} == {f"T{n}": 3 for n in range(10)}


async def test_the_oldest_of_a_workspace_is_first(inbox: Inbox) -> None:
    """Within its turns a workspace is served by age, and what the others leave is filled up."""
    await queue(inbox, "T1", 30)
    await queue(inbox, "T2", 1)
    keys = [one.stored.key for _ in range(4) for one in await claim(inbox, 4)]
    assert [key for key in keys if "T1" in key] == [f"A1:T1-{n:04}" for n in range(15)]
    assert "A1:T2-0000" in keys[:4]


async def test_who_has_fewer_turns_than_lanes_begins_with_the_oldest(inbox: Inbox) -> None:
    """By age, whatever the names: with five slots for three workspaces one of them has a single turn in a claim."""
    for n in (2, 1, 0):
        for workspace in ("T1", "T2", "T3"):
            await accept(inbox, replace(item(f"{workspace}-{n}", f"{workspace}-{n}", take=False), workspace=workspace))
    claimed = {one.stored.key for one in await claim(inbox, 5)}
    assert claimed == {"T1-2", "T1-1", "T2-2", "T2-1", "T3-2"}
    assert {one.stored.key for one in await claim(inbox, 2)} == {"T1-0", "T3-1"}


async def test_urgent_events_are_before_all_turns(inbox: Inbox) -> None:
    """An urgent event is claimed first, whatever waits and of whom; it is no turn of its workspace."""
    await queue(inbox, "T1", 10)
    await queue(inbox, "T2", 10)
    await queue(inbox, "T3", 2, URGENT_SIGN)
    held = (await inbox.claim(4, 1)).held
    assert workspaces(held)[0] == "T3"
    assert sorted(map(str, workspaces(held[1:]))) == ["T1", "T1", "T2", "T2"]


async def test_what_cannot_run_has_no_turn(inbox: Inbox) -> None:
    """What is parked, backs off or is held by others is not claimed, and takes nobody's turn."""
    for workspace in ("T1", "T2", "T3"):
        await queue(inbox, workspace, 4)
    for held in await claim(inbox, 12):
        if held.stored.workspace == "T1":
            end = Outcome(held.lease, held.stored.id, End.HELD, None, PARK_SECONDS, waits_for="pause:workspace:T1")
        elif held.stored.workspace == "T2":
            end = Outcome(held.lease, held.stored.id, End.RETRY, "away", 60)
        else:
            end = Outcome(held.lease, held.stored.id, End.HANDED_BACK)
        await inbox.complete(end)
    await queue(inbox, "T4", 4)
    assert sorted(map(str, workspaces(await claim(inbox, 4)))) == ["T3", "T3", "T4", "T4"]


async def test_who_only_backs_off_takes_no_slot_of_the_next(inbox: Inbox) -> None:
    """As many workspaces as there are slots get one each, also where one of them has nothing that can run now."""
    await queue(inbox, "T3", 1)
    (failed,) = await claim(inbox, 1)
    await end(inbox, failed, End.RETRY, delay=60)
    for workspace in ("T1", "T2", "T4"):
        await queue(inbox, workspace, 6)
    assert sorted(map(str, workspaces(await claim(inbox, 3)))) == ["T1", "T2", "T4"]


async def test_what_was_taken_over_keeps_its_age(inbox: Inbox) -> None:
    """A lane whose lease ran out, and which waits longest, is claimed before all turns."""
    await queue(inbox, "T1", 1)
    await claim(inbox, 1)
    await inbox.store.transact(lambda c: c.execute(update(lane).values(claimable_at=0)) and None)
    await queue(inbox, "T1", 5)
    await queue(inbox, "T2", 5)
    (first,) = await claim(inbox, 1)
    assert (first.stored.key, first.taken_over) == ("A1:T1-0000", True)


async def test_what_is_replayed_has_the_turns_of_its_workspace(inbox: Inbox) -> None:
    """Dead letters of one workspace, replayed together, go round with the others, and none goes before them."""
    await queue(inbox, "T1", 20)
    dead = [one.stored.id for one in await claim(inbox, 20) if await end(inbox, one, End.DEAD)]
    await queue(inbox, "T2", 20)
    await queue(inbox, None, 20)
    assert await inbox.store.transact(lambda c: Admin(inbox.database.dialect).replay(c, dead)) == 20
    named = select(lane.c.workspace, func.count()).group_by(lane.c.workspace)
    found = await inbox.store.transact(lambda c: [tuple(row) for row in c.execute(named)])
    assert dict(found) == {"T1": 20, "T2": 20, None: 20}
    claimed = [str(workspace) for _ in range(6) for workspace in workspaces(await claim(inbox, 1))]
    assert sorted(claimed[:3]) == ["None", "T1", "T2"]
    assert claimed[3:] == claimed[:3]


async def test_a_lane_that_is_replayed_has_one_workspace(inbox: Inbox) -> None:
    """Of several dead letters of one lane, the oldest says whose turns it has, as when they were accepted."""
    for n, workspace in enumerate(("T2", "T1")):
        await accept(inbox, replace(item("shared", f"A1:{n}", take=False), workspace=workspace))
    dead = []
    for _ in range(2):
        (held,) = await claim(inbox, 1)
        dead.append(held.stored.id)
        await end(inbox, held, End.DEAD)
    assert await inbox.store.transact(lambda c: Admin(inbox.database.dialect).replay(c, dead)) == 2
    found = select(lane.c.name, lane.c.pending, lane.c.workspace)
    assert await inbox.store.transact(lambda c: [tuple(row) for row in c.execute(found)]) == [("shared", 2, "T2")]
