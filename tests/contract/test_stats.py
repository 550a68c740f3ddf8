"""What an operator's dashboard shows of the inbox: counts of all that waits, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from anchorbolt.inbox import overview, pauses
from anchorbolt.inbox.admin import Admin, Filter
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.parking import PARK_SECONDS, SORTS
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.stats import FEW, Count, Stats
from anchorbolt.inbox.tables import delivery, lane
from sqlalchemy import Update, update

from tests.contract.steps import accept, end, hold, item


async def counted(inbox: Inbox) -> Stats:
    """What there is at this moment."""
    return await inbox.database.transact(Count())


async def change(inbox: Inbox, statement: Update) -> None:
    """Changes what is stored."""
    await inbox.database.transact(lambda connection: connection.execute(statement) and None)


async def test_what_waits_runs_and_died_is_counted(inbox: Inbox) -> None:
    """What runs does not wait; a lane counts with all that is in it, and the oldest by when it could have run."""
    parked, installations = dict.fromkeys(SORTS, 0), {"installed": 0, "reinstall_needed": 0}
    assert await counted(inbox) == Stats(0, 0.0, 0, False, parked, 0.0, installations)
    await hold(inbox, "C1")
    await accept(inbox, item("C1"), item("C2", take=False), item("C2", take=False))
    await end(inbox, await hold(inbox, "C3"), End.DEAD)
    of_c2 = update(lane).where(lane.c.name == "C2").values(claimable_at=now() - 50)
    await inbox.database.transact(lambda connection: connection.execute(of_c2) and None)
    stats = await counted(inbox)
    assert (stats.waiting, stats.dead_letters, stats.paused) == (3, 1, False)
    assert 50 <= stats.oldest_waiting_seconds < 80
    await inbox.database.transact(lambda connection: Admin(inbox.database.dialect).pause(connection, paused=True))
    assert (await counted(inbox)).paused


async def test_what_is_parked_is_counted_by_what_it_waits_for(inbox: Inbox) -> None:
    """Each sort with its lanes, whatever their names."""
    for n, waits in enumerate([pauses.waits_for("kind", "event"), pauses.waits_for("workspace", "T1"), "limit:app.on"]):
        held = await hold(inbox, f"C{n}")
        ended = Outcome(held.lease, held.stored.id, End.HELD, "it waits", PARK_SECONDS, False, 1, waits)
        await inbox.complete(ended)
    assert (await counted(inbox)).parked == {"pause": 2, "hold": 0, "breaker": 0, "limit": 1}


async def test_the_share_of_the_workspace_that_waits_most(inbox: Inbox) -> None:
    """Of the lanes that could run now; where few wait, none has a share worth a word."""

    async def wait(workspace: str, lanes: int) -> None:
        await accept(inbox, *(replace(item(f"{workspace}-{n}", take=False), workspace=workspace) for n in range(lanes)))

    await hold(inbox, "T1-runs")
    await wait("T1", FEW - 1)
    assert (await counted(inbox)).busiest_waiting_share == 0.0
    await wait("T2", FEW // 4 + 1)
    assert (await counted(inbox)).busiest_waiting_share == (FEW - 1) / (FEW + FEW // 4)


async def test_what_the_list_says_of_a_delivery(inbox: Inbox) -> None:
    """How long it runs and where, or when its lane is next; neither of what has ended."""
    admin = Admin(inbox.database.dialect)
    await hold(inbox, "C1", "A1:runs")
    await accept(inbox, item("C1", "A1:behind"))
    await end(inbox, await hold(inbox, "C2", "A1:failed"), End.RETRY, delay=40)
    await end(inbox, await hold(inbox, "C3", "A1:dead"), End.DEAD)
    held = await hold(inbox, "C4", "A1:parked")
    await inbox.complete(Outcome(held.lease, held.stored.id, End.HELD, "it waits", 80, False, 1, "limit:app.on"))
    listed = await inbox.database.transact(lambda connection: admin.entries(connection, Filter()))
    entries = {one.key: one for one in listed}
    told = {key: (one.state, one.owner, one.error) for key, one in entries.items()}
    assert told == {
        "A1:runs": ("running", inbox.owner, None),
        "A1:behind": ("waiting", None, None),
        "A1:failed": ("waiting", None, "it failed"),
        "A1:dead": ("dead", None, "it failed"),
        "A1:parked": ("waiting", None, "it waits"),
    }
    runs = {key: one.running_seconds for key, one in entries.items() if one.running_seconds is not None}
    parked = {key: one.waits_for for key, one in entries.items() if one.waits_for is not None}
    assert parked == {"A1:parked": "limit:app.on"}
    waits = {key: one.next_in_seconds for key, one in entries.items() if one.next_in_seconds is not None}
    assert set(runs) == {"A1:runs"}
    assert 0 <= runs["A1:runs"] < 30
    assert set(waits) == {"A1:failed", "A1:parked"}
    assert 10 < waits["A1:failed"] <= 40 < waits["A1:parked"] <= 80


async def test_what_the_whole_inbox_does(inbox: Inbox) -> None:
    """What runs where, what ended of late and what waits for which listener; a lease that ran out is no run."""
    for lane_name in ("C1", "C2", "C3"):
        await hold(inbox, lane_name)
    over = update(lane).where(lane.c.name == "C3").values(claimable_at=now() - 1)
    await change(inbox, over)
    await end(inbox, await hold(inbox, "C4"))
    await end(inbox, await hold(inbox, "C5"), End.DEAD)
    long_ago = await hold(inbox, "C6", "A1:long-ago")
    await end(inbox, long_ago)
    earlier = update(delivery).where(delivery.c.id == long_ago.stored.id).values(ended_at=now() - 70, received_at=0)
    await change(inbox, earlier)
    held = await hold(inbox, "C7")
    waits = Outcome(held.lease, held.stored.id, End.HELD, "it waits", 80, False, 1, "limit:app.on", "app.on")
    await inbox.complete(waits)
    seen = await inbox.database.transact(overview.look)
    assert seen.running == {inbox.owner: 2}
    assert seen.ended == {"done": 1, "dead": 1, "cancelled": 0}
    assert seen.parked == {"limit:app.on": 1}
    assert seen.waiting == {"app.on": 1}
    assert seen.accepted_per_second == 6 / 60


async def test_the_rate_of_a_flood(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more came in the last minute than are looked at, the rate is that of the last ones."""
    monkeypatch.setattr(overview, "MOST_RECENT", 4)
    for seconds in (50, 40, 8, 6, 4, 2):
        held = await hold(inbox, f"C{seconds}")
        when = update(delivery).where(delivery.c.id == held.stored.id).values(received_at=now() - seconds)
        await change(inbox, when)
    rate = (await inbox.database.transact(overview.look)).accepted_per_second
    assert 4 / 38 < rate <= 4 / 8
