"""A state of OAuth is used once, by the browser that began it and in its time, in one way in all databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.tables import oauth_state
from anchorbolt.workspaces.oauth_states import VALID_SECONDS, OAuthStates
from sqlalchemy import func, select, update

CLIENTS = 20


async def count(inbox: Inbox) -> int:
    """How many states are stored."""
    return await inbox.store.transact(lambda c: c.scalar(select(func.count()).select_from(oauth_state)) or 0)


async def grow_older(inbox: Inbox, seconds: float) -> None:
    """Lets time go by for all states that are stored."""
    older = update(oauth_state).values(expires_at=oauth_state.c.expires_at - seconds)
    await inbox.store.transact(lambda c: c.execute(older) and None)


async def test_a_state_is_redeemed_once(inbox: Inbox) -> None:
    """The browser that began it can use it, and nobody a second time."""
    states = OAuthStates(inbox.store)
    begun = await states.begin()
    assert await states.redeem(begun.state, begun.cookie)
    assert not await states.redeem(begun.state, begun.cookie)
    assert await count(inbox) == 0


async def test_of_20_clients_at_once_one_redeems(inbox: Inbox) -> None:
    """However many bring one state at the same moment, one of them is served."""
    states = OAuthStates(inbox.store)
    begun = await states.begin()
    told = await asyncio.gather(*(states.redeem(begun.state, begun.cookie) for _ in range(CLIENTS)))
    assert sorted(told) == [False] * (CLIENTS - 1) + [True]


async def test_of_20_pods_at_once_one_redeems(pods: Callable[..., Inbox]) -> None:
    """The same over pods that share one PostgreSQL."""
    inboxes = [pods() for _ in range(4)]
    for inbox in inboxes:
        await inbox.open()
    begun = await OAuthStates(inboxes[0].store).begin()
    told = await asyncio.gather(
        *(OAuthStates(inboxes[n % 4].store).redeem(begun.state, begun.cookie) for n in range(CLIENTS))
    )
    assert sorted(told) == [False] * (CLIENTS - 1) + [True]


@pytest.mark.parametrize("strange", ["", "x", "\ud800", "a" * 5000])
async def test_another_browser_can_not_redeem_it(inbox: Inbox, strange: str) -> None:
    """A wrong cookie or a wrong state redeems nothing, and takes nothing from the one who has both."""
    states = OAuthStates(inbox.store)
    begun, other = await states.begin(), await states.begin()
    assert not await states.redeem(begun.state, strange)
    assert not await states.redeem(begun.state, other.cookie)
    assert not await states.redeem(strange, begun.cookie)
    assert await states.redeem(begun.state, begun.cookie)


async def test_a_state_is_valid_for_ten_minutes(inbox: Inbox) -> None:
    """Shortly before its end it can be redeemed, and after it no more."""
    states = OAuthStates(inbox.store)
    late, too_late = await states.begin(), await states.begin()
    await grow_older(inbox, VALID_SECONDS - 60)
    assert await states.redeem(late.state, late.cookie)
    await grow_older(inbox, 61)
    assert not await states.redeem(too_late.state, too_late.cookie)


async def test_what_is_over_is_swept(inbox: Inbox) -> None:
    """States that nobody came back with are gone once others begin."""
    states = OAuthStates(inbox.store)
    for _ in range(3):
        await states.begin()
    await grow_older(inbox, VALID_SECONDS + 1)
    await states.begin()
    assert await count(inbox) == 1


async def test_the_database_has_neither_state_nor_cookie(inbox: Inbox) -> None:
    """Who reads the table can not finish an installation of somebody else's."""
    begun = await OAuthStates(inbox.store).begin()
    row = await inbox.store.transact(lambda c: c.execute(select(oauth_state)).one())
    assert begun.state not in str(row)
    assert begun.cookie not in str(row)
    assert begun.state not in repr(begun)
