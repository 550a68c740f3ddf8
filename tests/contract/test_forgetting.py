"""What is stored of a workspace is deleted, in one way in all databases; what runs ends as ever, and others go on."""

from __future__ import annotations

from dataclasses import replace

from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.gates import SharedGate, SharedGates
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.tables import delivery, lane
from anchorbolt.workspaces.forgetting import Forgetting, Forgot
from sqlalchemy import select, update

from tests.contract.steps import accept, claim, counts, end, item, keys


async def store(inbox: Inbox, workspace: str, lane_: str, key: str, *, take: bool = False) -> None:
    """Stores a delivery of a workspace, which waits; or which this process runs."""
    await accept(inbox, replace(item(lane_, key, take=take), workspace=workspace))


async def ended(inbox: Inbox, workspace: str, lane_: str, key: str, how: End) -> None:
    """Stores a delivery that has ended."""
    (accepted,) = await accept(inbox, replace(item(lane_, key), workspace=workspace))
    assert accepted.held is not None
    await end(inbox, accepted.held, how)


async def forget(inbox: Inbox, workspace: str) -> Forgot:
    """What `workspaces forget` does to deliveries."""
    forgetting = Forgetting(inbox.database.dialect)
    low, high = await inbox.store.transact(forgetting.ids)
    return await inbox.store.transact(lambda c: forgetting.delete_between(c, workspace, low, high))


async def left(inbox: Inbox) -> list[str]:
    """The keys of all deliveries."""
    return list(await inbox.store.transact(lambda c: c.execute(select(delivery.c.key).order_by("key")).scalars().all()))


async def lanes(inbox: Inbox) -> dict[str, int]:
    """What is pending in each lane."""
    found = await inbox.store.transact(lambda c: c.execute(select(lane.c.name, lane.c.pending)).all())
    return {row.name: row.pending for row in found}


async def test_all_of_a_workspace_goes_and_nothing_of_another(inbox: Inbox) -> None:
    """Tombstones, dead letters, what was cancelled and what waits are deleted, with their lanes, and once."""
    for team in ("T1", "T2"):
        await ended(inbox, team, f"{team}-1", f"{team} done", End.DONE)
        await ended(inbox, team, f"{team}-2", f"{team} dead", End.DEAD)
        await ended(inbox, team, f"{team}-3", f"{team} cancelled", End.CANCELLED)
        for n in range(3):
            await store(inbox, team, f"{team}-4", f"{team} waits {n}")
    found = await forget(inbox, "T1")

    assert (found.ended, found.waiting, found.running) == (3, 3, [])
    assert await left(inbox) == ["T2 cancelled", "T2 dead", "T2 done", "T2 waits 0", "T2 waits 1", "T2 waits 2"]
    assert await lanes(inbox) == {"T2-4": 3}
    assert await forget(inbox, "T1") == Forgot()
    assert keys(await claim(inbox)) == ["T2 waits 0"]


async def test_what_runs_is_told_and_ends_as_ever(inbox: Inbox) -> None:
    """A run is not torn away: what waits behind it goes, its end is written, and then it is deleted."""
    (running,) = [one.held for one in await accept(inbox, replace(item("C1", "runs"), workspace="T1"))]
    assert running is not None
    await store(inbox, "T1", "C1", "waits")
    found = await forget(inbox, "T1")

    assert [(one.key, one.owner) for one in found.running] == [("runs", inbox.owner)]
    assert (found.ended, found.waiting) == (0, 1)
    assert await lanes(inbox) == {"C1": 1}
    assert not await inbox.renew([running.lease])
    assert (await end(inbox, running, go_on=True)).written
    assert await lanes(inbox) == {}
    again = await inbox.store.transact(
        lambda c: Forgetting(inbox.database.dialect).delete_these(c, [running.stored.id])
    )
    assert (again.ended, again.running) == (1, [])
    assert await left(inbox) == []


async def test_a_run_that_is_to_be_attempted_again_is_deleted_before_that(inbox: Inbox) -> None:
    """What waits for another attempt waits: it goes, and its lane with it."""
    (running,) = [one.held for one in await accept(inbox, replace(item("C1", "runs"), workspace="T1"))]
    assert running is not None
    await end(inbox, running, End.RETRY, delay=60)
    assert (await forget(inbox, "T1")).waiting == 1
    assert (await left(inbox), await lanes(inbox)) == ([], {})


async def test_a_lane_that_two_workspaces_share_goes_on_with_the_other(inbox: Inbox) -> None:
    """In a channel of Slack Connect the head of the one goes, and what waits behind it can be claimed at once."""
    (held,) = [one.held for one in await accept(inbox, replace(item("C1", "ours"), workspace="T1"))]
    assert held is not None
    await store(inbox, "T2", "C1", "theirs")
    await store(inbox, "T1", "C1", "ours too")
    await end(inbox, held, End.RETRY, delay=600)
    assert keys(await claim(inbox)) == []
    assert (await forget(inbox, "T1")).waiting == 2
    assert await lanes(inbox) == {"C1": 1}
    (theirs,) = await claim(inbox)
    assert theirs.stored.key == "theirs"
    assert (await end(inbox, theirs)).written


async def test_what_a_dead_process_held_goes_and_its_result_is_kept_out(inbox: Inbox) -> None:
    """A lease that ran out is nobody's: the delivery is deleted, and what its owner would write is refused."""
    (held,) = [one.held for one in await accept(inbox, replace(item("C1", "runs"), workspace="T1"))]
    assert held is not None
    await inbox.store.transact(lambda c: c.execute(update(lane).values(claimable_at=1.0)) and None)
    assert (await forget(inbox, "T1")).running == []
    assert not (await end(inbox, held)).written
    assert (await left(inbox), await lanes(inbox)) == ([], {})


async def test_the_gates_and_the_pause_of_a_workspace_go(inbox: Inbox) -> None:
    """Those of other workspaces, and pauses of other things, stay."""
    dialect = inbox.database.dialect
    for team in ("T1", "T2"):
        gate = SharedGate("chat.postMessage", team, 600, 1)
        await inbox.store.transact(lambda c, gate=gate: SharedGates(dialect).shut(c, gate))
        await inbox.store.transact(lambda c, team=team: Pauses(dialect).pause(c, "workspace", team, "ann"))
    await inbox.store.transact(lambda c: Pauses(dialect).pause(c, "conversation", "T1", "ann"))
    rest = Forgetting(dialect)
    assert await inbox.store.transact(lambda c: rest.delete_gates_and_pause(c, "T1")) == (1, 1)
    assert await inbox.store.transact(lambda c: rest.delete_gates_and_pause(c, "T1")) == (0, 0)
    assert [one.workspace for one in await inbox.store.transact(SharedGates(dialect).read)] == ["T2"]
    pauses = await inbox.store.transact(Pauses(dialect).read)
    assert {(one.scope, one.name) for one in pauses} == {("workspace", "T2"), ("conversation", "T1")}


async def test_a_delivery_to_be_cancelled_that_goes_leaves_no_mark_on_its_lane(inbox: Inbox) -> None:
    """The mark names one delivery: it must not stay on a lane that goes on."""
    await store(inbox, "T1", "C1", "ours")
    await store(inbox, "T2", "C1", "theirs")
    id_ = select(delivery.c.id).where(delivery.c.key == "ours").scalar_subquery()
    await inbox.store.transact(lambda c: c.execute(update(lane).values(cancel_id=id_, cancelled_by="ann")) and None)
    await forget(inbox, "T1")
    marks = await inbox.store.transact(lambda c: c.execute(select(lane.c.cancel_id)).scalars().all())
    assert marks == [None]
    assert (await counts(inbox))["waiting"] == 1
    assert await inbox.store.transact(Admin(inbox.database.dialect).counts)
