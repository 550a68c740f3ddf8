"""Installations and users' tokens are kept in one way in all databases, with their tokens encrypted."""

from __future__ import annotations

from dataclasses import replace

from anchorbolt.encryption import Keys, is_encrypted
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.tables import installation
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from sqlalchemy import select, update

KEYS = Keys([b"k" * 32])
ONE = Installation(
    workspace="T1",
    bot=Token("xoxe.xoxb-1", "xoxe-1", 2_000_000_000.0),
    enterprise_id="E1",
    name="One",
    bot_id="B1",
    bot_user_id="U0",
    scopes=("chat:write", "commands"),
    installed_by="U1",
    installed_at=1_700_000_000.0,
)
USER = UserToken("T1", "U1", Token("xoxp-1"), ("search:read",), 1_700_000_000.0)


async def test_an_installation_comes_back(inbox: Inbox) -> None:
    """What is saved is found, and its tokens are encrypted in the table."""
    store, found = inbox.store, Installations(inbox.database.dialect, KEYS)
    await store.transact(lambda c: found.save(c, ONE))
    await store.transact(lambda c: found.save_user(c, USER))

    assert await store.transact(lambda c: found.find(c, ["T1", "E1"])) == {"T1": ONE}
    assert await store.transact(lambda c: found.find_user(c, "T1", "U1")) == USER
    assert await store.transact(lambda c: found.find_user(c, "T1", "U2")) is None
    row = await store.transact(lambda c: c.execute(select(installation)).one())
    assert is_encrypted(row.bot_token)
    assert is_encrypted(row.bot_refresh_token)


async def test_an_installation_again_leaves_one(inbox: Inbox) -> None:
    """The later one is there, and its version tells it from the one before."""
    store, found = inbox.store, Installations(inbox.database.dialect, KEYS)
    again = replace(ONE, bot=Token("xoxb-2"), scopes=("chat:write",), version=2)
    await store.transact(lambda c: found.save(c, ONE))
    await store.transact(lambda c: found.save(c, again))

    assert await store.transact(found.all) == [again]


async def test_a_late_uninstall_leaves_a_fresh_installation(inbox: Inbox) -> None:
    """What is removed is what was installed until the time of the event; then the users' tokens go too."""
    store, found = inbox.store, Installations(inbox.database.dialect, KEYS)
    await store.transact(lambda c: found.save(c, ONE))
    await store.transact(lambda c: found.save_user(c, USER))

    assert not await store.transact(lambda c: found.remove(c, "T1", before=ONE.installed_at - 1))
    assert not await store.transact(lambda c: found.remove_user(c, "T1", "U1", before=ONE.installed_at - 1))
    assert await store.transact(lambda c: found.find_user(c, "T1", "U1")) == USER
    assert await store.transact(lambda c: found.remove(c, "T1", before=ONE.installed_at))
    assert await store.transact(lambda c: found.find_user(c, "T1", "U1")) is None
    assert await store.transact(found.all) == []


async def test_a_token_copied_from_another_row_makes_that_workspace_alone_need_a_reinstall(inbox: Inbox) -> None:
    """A ciphertext is bound to its row; the other workspaces work on."""
    store, found = inbox.store, Installations(inbox.database.dialect, KEYS)
    await store.transact(lambda c: found.save(c, ONE))
    await store.transact(lambda c: found.save(c, replace(ONE, workspace="T2")))
    token = select(installation.c.bot_token).where(installation.c.workspace == "T1").scalar_subquery()
    moved = update(installation).where(installation.c.workspace == "T2").values(bot_token=token)
    await store.transact(lambda c: c.execute(moved) and None)

    both = await store.transact(lambda c: found.find(c, ["T1", "T2"]))
    assert both["T1"] == ONE
    assert (both["T2"].bot, both["T2"].state) == (None, InstallationState.REINSTALL_NEEDED)


async def test_a_token_that_was_refreshed_meanwhile_is_not_removed(inbox: Inbox) -> None:
    """Who revoked a token at Slack removes that one, and not the one that took its place."""
    store, found = inbox.store, Installations(inbox.database.dialect, KEYS)
    for _ in range(2):  # the second time as a change of its tokens
        await store.transact(lambda c: found.save(c, ONE))
        await store.transact(lambda c: found.save_user(c, USER))

    assert not await store.transact(lambda c: found.remove_user(c, "T1", "U1", before=USER.installed_at, version=1))
    assert await store.transact(lambda c: found.remove_user(c, "T1", "U1", before=USER.installed_at, version=2))
    assert not await store.transact(lambda c: found.remove(c, "T1", before=ONE.installed_at, version=1))
    assert await store.transact(lambda c: found.remove(c, "T1", before=ONE.installed_at, version=2))
