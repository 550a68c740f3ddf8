"""A region is lost, a line is cut, a standby lacks what the primary shows: nothing acknowledged is lost, nothing runs
out of order, nothing twice but what was cut short. Counts, not times: `python -m bench.regions` has those."""

from __future__ import annotations

import pytest

from tests.support.regions.faults import drained, duplicate, link_cut, primary_lost
from tests.support.regions.world import World

# All in one file, which one worker has: the namespaces have fixed names.
pytestmark = [
    pytest.mark.timeout(420),
    pytest.mark.asyncio(loop_scope="module"),  # that of the world, which lasts longer than a test
]


async def test_the_primarys_region_is_lost(world: World) -> None:
    """All processes of the region with the primary die and its link is gone: the other region accepts every event on
    a retry of Slack's once a standby is promoted, and what was acknowledged is finished."""
    found = await primary_lost(world)
    assert found.problems() == []
    assert found.account.events == len(found.account.acknowledged)


async def test_the_link_between_the_regions_is_cut(world: World) -> None:
    """The third site sees both: the quorum is the third site's, and both regions serve on, or one for the other."""
    found = await link_cut(world, seconds=20)
    assert found.problems() == []
    assert found.account.events == len(found.account.acknowledged)


async def test_a_duplicate_is_as_durable_as_what_it_duplicates(world: World) -> None:
    """Standbys frozen, primary killed and restarted, Slack's retry at a fresh pod, a standby promoted: the event is
    there, or was never answered 200; and in the end it is accepted and done."""
    found = await duplicate(world)
    assert found.problems() == []
    assert len(found.account.acknowledged) == 2


async def test_a_duplicate_is_as_durable_through_proxies(world_through_proxies: World) -> None:
    """The same where the pods reach the database by HAProxy, and the one that has the retry by PgBouncer too."""
    found = await duplicate(world_through_proxies)
    assert found.problems() == []
    assert len(found.account.acknowledged) == 2


async def test_a_region_is_drained_by_command(world: World) -> None:
    """After a planned switchover, which both regions follow, one is drained by command and taken back: no first answer
    fails."""
    await world.switch_to("r2")
    found = await drained(world)
    assert found.problems() == []
    assert (found.account.first_failed, found.account.commands_failed) == (0, 0), found.account.told
