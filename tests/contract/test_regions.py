"""Regions that are drained by hand: on both databases, and without pausing anything."""

from __future__ import annotations

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.regions import Regions
from anchorbolt.worker.region import OwnRegion


async def test_a_region_is_drained_once_and_taken_back_once(inbox: Inbox) -> None:
    """Who drained it first is kept; a second drain and a second undrain change nothing, and say so."""
    regions = Regions(inbox.database.dialect)
    assert await inbox.store.transact(lambda connection: regions.drain(connection, "eu", "anna"))
    assert not await inbox.store.transact(lambda connection: regions.drain(connection, "eu", "ben"))
    assert await inbox.store.transact(lambda connection: regions.drain(connection, "us", "ben"))
    found = await inbox.store.transact(regions.read)
    assert [(one.region, one.by) for one in found] == [("eu", "anna"), ("us", "ben")]
    assert all(0 <= one.seconds < 30 for one in found)
    assert await inbox.store.transact(lambda connection: regions.undrain(connection, "us"))
    assert [one.region for one in await inbox.store.transact(regions.read)] == ["eu"]
    assert await inbox.store.transact(lambda connection: regions.undrain(connection, "eu"))
    assert not await inbox.store.transact(lambda connection: regions.undrain(connection, "eu"))
    assert await inbox.store.transact(regions.read) == []


async def test_a_drained_region_is_no_pause(inbox: Inbox) -> None:
    """It is not among the pauses, which keep deliveries from running."""
    dialect = inbox.database.dialect
    await inbox.store.transact(lambda connection: Regions(dialect).drain(connection, "eu", "anna"))
    assert await inbox.store.transact(Pauses(dialect).read) == []


async def test_a_pod_knows_of_its_own_region(inbox: Inbox) -> None:
    """A pod of the drained region is told so, one of another region is not."""
    ours, other = OwnRegion(inbox, "eu"), OwnRegion(inbox, "us")
    regions = Regions(inbox.database.dialect)
    await inbox.store.transact(lambda connection: regions.drain(connection, "eu", "anna"))
    for one in (ours, other):
        await one.refresh()
    assert (ours.drained, other.drained) == (True, False)
    await inbox.store.transact(lambda connection: regions.undrain(connection, "eu"))
    await ours.refresh()
    assert not ours.drained
