"""A key that is lost: its tokens are given up because an operator says so, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from anchorbolt.encryption import Keys
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.lost_key import GivenUp, give_up
from anchorbolt.workspaces.reencrypt import reencrypt

LOST, KEPT = Keys([b"l" * 32]), Keys([b"k" * 32])
NAME = LOST.first
ONE = Installation("T1", Token("xoxb-1"), installed_at=1.0)
USER = UserToken("T2", "U1", Token("xoxp-1"), installed_at=1.0)


async def test_the_tokens_of_a_lost_key_are_given_up(inbox: Inbox) -> None:
    """They are marked once, with the reason; those of other keys work on, and nothing is left for a rotation."""
    dialect, transact = inbox.database.dialect, inbox.store.transact
    lost, kept = Installations(dialect, LOST), Installations(dialect, KEPT)
    await transact(lambda c: lost.save(c, ONE))
    await transact(lambda c: kept.save(c, replace(ONE, workspace="T2")))
    await transact(lambda c: lost.save_user(c, USER))
    await transact(lambda c: kept.save_user(c, replace(USER, user_id="U2")))
    before = await transact(lambda c: (kept.find(c, ["T1"])["T1"], kept.find_user(c, "T2", "U1")))
    assert [one is not None and one.lacks_key for one in before] == [True, True]

    assert await transact(lambda c: give_up(c, NAME)) == GivenUp(1, 1)
    assert await transact(lambda c: give_up(c, NAME)) == GivenUp(0, 0)
    found = await transact(lambda c: kept.find(c, ["T1", "T2"]))
    users = await transact(lambda c: [kept.find_user(c, "T2", user) for user in ("U1", "U2")])
    states = [(one.state, one.lacks_key) for one in (found["T1"], found["T2"], *users) if one is not None]
    gone, works = (InstallationState.REINSTALL_NEEDED, False), (InstallationState.INSTALLED, False)
    assert states == [gone, works, gone, works]
    rotated = await reencrypt(inbox.database, KEPT, 30)
    assert [(one.left, one.undecryptable.total()) for one in rotated] == [(0, 0)] * len(rotated)


async def test_what_is_installed_again_works(inbox: Inbox) -> None:
    """A workspace that was given up and is installed again has its new token."""
    transact, kept = inbox.store.transact, Installations(inbox.database.dialect, KEPT)
    await transact(lambda c: Installations(inbox.database.dialect, LOST).save(c, ONE))
    await transact(lambda c: give_up(c, NAME))
    await transact(lambda c: kept.save(c, replace(ONE, bot=Token("xoxb-2"), installed_at=2.0)))
    found = (await transact(lambda c: kept.find(c, ["T1"])))["T1"]
    assert (found.state, found.bot, found.reason) == (InstallationState.INSTALLED, Token("xoxb-2"), None)
