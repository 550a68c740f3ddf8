"""Deliveries of a workspace whose tokens expire."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from anchorbolt.encryption import Keys
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations

from tests.support.app_in_process import App
from tests.support.rotating_slack import Fault, RotatingSlack, rotating_slack
from tests.unit.bolt.conftest import AppWith
from tests.unit.bolt.test_workspace_authorization import KEY, SETTINGS, Seen, listeners, mention

USER = json.loads(mention("T1").body)["event"]["user"]


@pytest.fixture
async def rotating() -> AsyncIterator[RotatingSlack]:
    """It knows the refresh token of the bot."""
    async with rotating_slack() as rotating:
        rotating.valid = {"xoxe-bot": "bot"}
        yield rotating


async def save(app: App, bot: Token, user: UserToken | None = None) -> None:
    """Installs T1, as another process would."""
    inbox = app.parts.inbox
    installations = Installations(inbox.database.dialect, Keys([KEY]))
    await inbox.store.transact(lambda c: installations.save(c, Installation("T1", bot)))
    if user is not None:
        await inbox.store.transact(lambda c: installations.save_user(c, user))
    inbox.on_workspaces()


async def test_a_users_token_that_is_gone_keeps_nothing_from_running(
    app_with: AppWith, rotating: RotatingSlack
) -> None:
    """The bot's is refreshed first, the user's is found to be gone, and the listener runs with the bot's alone."""
    seen: Seen = []
    expired = Token("xoxe.xoxp-user", "xoxe-user", time.time() - 1)
    async with app_with(listeners(seen), **SETTINGS | {"slack_api_url": rotating.url}) as app:
        await save(app, Token("xoxe.xoxb-bot", "xoxe-bot", time.time() - 1), UserToken("T1", USER, expired))
        for _ in range(2):
            await app.player.deliver(sample := mention("T1"))
            assert (await app.until_ended(sample.key)).state == "done"

    new = "xoxe.xoxb-1-of-xoxe-bot"
    assert seen == 2 * [(new, new, None)]
    assert rotating.asked == ["xoxe-bot", "xoxe-user"]


async def test_a_delivery_waits_for_slack_by_another_attempt(app_with: AppWith, rotating: RotatingSlack) -> None:
    """Slack gives no new token for an expired one; once it does, the delivery runs, once."""
    seen: Seen = []
    rotating.faults = [Fault.NOT_TAKEN, Fault.NOT_TAKEN]
    settings = SETTINGS | {"slack_api_url": rotating.url, "backoff_base_seconds": 0.1, "backoff_cap_seconds": 2.0}
    async with app_with(listeners(seen), **settings | {"max_attempts": 50}) as app:
        await save(app, Token("xoxe.xoxb-bot", "xoxe-bot", time.time() - 1))
        await app.player.deliver(sample := mention("T1"))
        ended = await app.until_ended(sample.key)

    assert ended.state == "done"
    assert len(seen) == 1
    assert ended.attempts > 1


async def test_a_workspace_that_must_be_installed_again_leaves_dead_letters(
    app_with: AppWith, rotating: RotatingSlack
) -> None:
    """Its old token has expired and Slack knows its refresh token no more; the text of the error says what to do."""
    seen: Seen = []
    settings = SETTINGS | {"slack_api_url": rotating.url, "backoff_base_seconds": 0.01, "max_attempts": 2}
    gone = Token("xoxe.xoxb-bot", "xoxe-gone", time.time() - 1)
    async with app_with(listeners(seen), **settings) as app:
        await save(app, gone)
        await app.player.deliver(sample := mention("T1"))
        ended = await app.until_ended(sample.key)
        inbox = app.parts.inbox
        installations = Installations(inbox.database.dialect, Keys([KEY]))
        found = await inbox.store.transact(lambda c: installations.find(c, ["T1"]))

    assert (ended.state, seen) == ("dead", [])
    assert "the app must be installed again in T1" in str(ended.error)
    assert replace(found["T1"], version=1) == Installation(
        "T1", gone, state=InstallationState.REINSTALL_NEEDED, reason=found["T1"].reason
    )
