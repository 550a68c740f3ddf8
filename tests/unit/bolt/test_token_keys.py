"""While keys are changed, a pod without the new key acts with no other token than the one that is meant."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.encryption import Keys
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.tables import lane
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from sqlalchemy import Row, update

from tests.support.app_in_process import App
from tests.support.waiting import until_answer
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.test_workspace_authorization import SETTINGS, Seen, listeners

OLD, NEW = b"k" * 32, b"n" * 32


def with_keys(*keys: bytes) -> dict[str, Any]:
    """The settings of a pod with these keys, which tries again after a minute."""
    listed = ",".join(base64.b64encode(key).decode() for key in keys)
    return {**SETTINGS, "token_keys": listed, "backoff_base_seconds": 60, "backoff_cap_seconds": 60}


async def save(app: App, key: bytes, *, bot: bool = False, **of_user: Any) -> None:
    """Writes the token of a bot or a user as a pod does that has this key first."""
    installations = Installations(app.parts.inbox.database.dialect, Keys([key]))
    if bot:
        one = Installation("T1", Token("xoxb-1"))
        await app.parts.inbox.store.transact(lambda c: installations.save(c, one))
    else:
        user = UserToken("T1", "U0ADA", Token("xoxp-ada"), **of_user)
        await app.parts.inbox.store.transact(lambda c: installations.save_user(c, user))
    app.parts.inbox.on_workspaces()


async def tried(app: App, key: str | None) -> Row[Any]:
    """Waits until a delivery has failed, or ended."""

    async def found() -> Row[Any] | None:
        row = await app.stored(key)
        return row if row is not None and (row.error or row.state != "live") else None

    return await until_answer(found, what="an attempt has ended")


@pytest.mark.parametrize("of", ["user", "bot"])
async def test_a_pod_without_the_new_key_leaves_it_to_one_that_has_it(
    app_with: AppWith, tmp_path: Path, of: str
) -> None:
    """Its attempt fails and names TOKEN_KEYS; the listener runs where the key is, with the token that is meant."""
    seen: Seen = []
    database = {"database_url": f"sqlite:///{tmp_path / 'inbox.db'}"}
    async with app_with(listeners(seen), **with_keys(OLD), **database) as app:
        await save(app, OLD if of == "user" else NEW, bot=True)
        await save(app, NEW if of == "user" else OLD)
        await app.player.deliver(sample := make("app_mention", Scene(team_id="T1", user_id="U0ADA")))
        row = await tried(app, sample.key)
    assert (row.state, row.attempts, seen) == ("live", 1, [])
    whose = "T1 by U0ADA" if of == "user" else "T1"
    assert f"TokenKeyError: this pod cannot use the token of {whose}: TOKEN_KEYS has no key " in row.error
    assert "finish the rollout" in row.error
    async with app_with(listeners(seen), **with_keys(NEW, OLD), **database) as app:
        await app.parts.inbox.database.transact(lambda c: c.execute(update(lane).values(claimable_at=0)))
        assert (await app.until_ended(sample.key)).state == "done"
    assert seen == [("xoxb-1", "xoxb-1", "xoxp-ada")]


async def test_a_token_that_was_worth_nothing_before_keeps_nothing_waiting(app_with: AppWith) -> None:
    """A user's token that Slack renews no more is gone, with whichever key it is encrypted: the bot's acts."""
    seen: Seen = []
    async with app_with(listeners(seen), **with_keys(OLD)) as app:
        await save(app, OLD, bot=True)
        await save(app, NEW, state=InstallationState.REINSTALL_NEEDED, reason="Slack refused the refresh token")
        await app.player.deliver(sample := make("app_mention", Scene(team_id="T1", user_id="U0ADA")))
        assert (await app.until_ended(sample.key)).state == "done"
    assert seen == [("xoxb-1", "xoxb-1", None)]
