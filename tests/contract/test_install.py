"""An installation is saved as a whole or not at all, in one way in all databases, against the Slack emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.script import Line
from anchorbolt.emulator.state.grants import Grant
from anchorbolt.errors import NotInstalledError, StoreUnavailableError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.workspaces.install import Install, Installed
from anchorbolt.workspaces.installation import Installation, Token
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.oauth_client import OAuthClient

from tests.support.rotation_pod import KEYS, Remembered, Wall

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth")  # slack_sdk's own use of aiohttp
BACK = "https://app.example.com/slack/oauth_redirect"
SLACKS_CLOCK = 1_900_000_000.0


class Here:
    """All that a test needs on one database."""

    def __init__(self, inbox: Inbox, slack: Emulator, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.store = inbox.store
        self.cache = Remembered()
        self.installations = Installations(inbox.database.dialect, KEYS)
        self.install = Install(
            inbox.store,
            self.cache.changed,
            self.installations,
            OAuthClient(lambda: session, slack.api_url, "1.2", "secret-1"),
            BACK,
            clock=Wall(SLACKS_CLOCK),
            again_seconds=0,
        )

    def code(self, team: str, scopes: str = "commands,chat:write", user_scopes: str = "", user: str = "U0ADA") -> str:
        """A code that a user's consent has given."""
        return self.slack.workspace.grants.allow(Grant(team, scopes, user_scopes, BACK, user))

    async def saved(self) -> dict[str, Installation]:
        """All installations."""
        return {one.workspace: one for one in await self.store.transact(self.installations.all)}

    async def user_token(self, workspace: str, user: str) -> str | None:
        """A user's token."""
        found = await self.store.transact(lambda c: self.installations.find_user(c, workspace, user))
        return found.access if found is not None else None


@pytest.fixture
async def here(inbox: Inbox) -> AsyncIterator[Here]:
    """An inbox, and a Slack."""
    async with Emulator() as slack, aiohttp.ClientSession() as session:
        yield Here(inbox, slack, session)


async def test_a_code_becomes_an_installation(here: Here) -> None:
    """What Slack granted is saved with its scopes, the bot's ids, who installed it and when; processes are told."""
    installed = await here.install(here.code("T0HARB0R"))
    assert isinstance(installed, Installed)
    one = (await here.saved())["T0HARB0R"]
    assert (one.name, one.bot_id, one.bot_user_id) == ("Harbor Works", "B0HARB0R", "U0HARB0RBOT")
    assert (one.scopes, one.installed_by, one.org_wide) == (("commands", "chat:write"), "U0ADA", False)
    assert one.bot is not None
    assert one.bot.access.startswith("xoxb-T0HARB0R-")
    assert here.cache.changes == ["T0HARB0R"]
    assert installed.url == "https://harbor-works.slack.com/"
    assert one.installed_at != SLACKS_CLOCK  # of the answer's Date, not ours


async def test_fewer_scopes_than_asked_for_are_what_is_stored(here: Here) -> None:
    """A scope that was optional and was not granted is not in the installation."""
    await here.install(here.code("T0HARB0R", scopes="commands"))
    assert (await here.saved())["T0HARB0R"].scopes == ("commands",)


async def test_a_code_used_twice_leaves_one_installation(here: Here) -> None:
    """One of both gets it; the other is told Slack's word, and changes nothing."""
    code = here.code("T0HARB0R")
    told = await asyncio.gather(here.install(code), here.install(code), return_exceptions=True)
    assert [type(one) for one in sorted(told, key=str)].count(Installed) == 1
    (refused,) = [one for one in told if isinstance(one, NotInstalledError)]
    assert refused.word == "code_already_used"
    saved = await here.saved()
    assert list(saved) == ["T0HARB0R"]
    assert saved["T0HARB0R"].version == 1


async def test_two_installations_at_once_leave_one(here: Here) -> None:
    """Two people who install in one workspace at the same time leave one row with a token that works."""
    await asyncio.gather(*(here.install(here.code("T0HARB0R")) for _ in range(5)))
    assert [one.version for one in (await here.saved()).values()] == [5]


async def test_an_organization_and_its_workspace_are_two_installations(here: Here) -> None:
    """An org-wide installation is found by the organization's id, and stands beside that of a workspace of it."""
    whole = await here.install(here.code("E0FLEET"))
    await here.install(here.code("T0D0CK"))
    saved = await here.saved()
    assert {name: (one.org_wide, one.enterprise_id) for name, one in saved.items()} == {
        "E0FLEET": (True, "E0FLEET"),
        "T0D0CK": (False, "E0FLEET"),
    }
    assert (whole.app_id, whole.url) == ("A0ANCH0R", "https://fleet.slack.com/")


async def test_scopes_of_a_user_alone_leave_an_installation_without_a_bot(here: Here) -> None:
    """Then the token is the user's; another user's is stored beside it, and the workspace is one row."""
    await here.install(here.code("T0HARB0R", "", "search:read"))
    await here.install(here.code("T0HARB0R", "", "search:read", user="U0GRACE"))
    one = (await here.saved())["T0HARB0R"]
    assert (one.bot, one.scopes, one.bot_id, one.has_users) == (None, (), None, True)
    for user in ("U0ADA", "U0GRACE"):
        assert str(await here.user_token("T0HARB0R", user)).startswith(f"xoxp-T0HARB0R-{user}-")


async def test_scopes_of_a_user_leave_the_bot_that_is_there(here: Here) -> None:
    """A user who grants something later does not take the bot's token away; processes look the workspace up again."""
    await here.install(here.code("T0HARB0R", user_scopes="search:read"))
    before = (await here.saved())["T0HARB0R"]
    await here.install(here.code("T0HARB0R", "", "search:read", user="U0GRACE"))
    after = (await here.saved())["T0HARB0R"]
    assert after == before
    assert after.updated_at > before.updated_at
    assert await here.user_token("T0HARB0R", "U0GRACE")


async def test_tokens_that_expire_are_stored_with_what_refreshes_them(here: Here) -> None:
    """The bot's and the user's token each have their own refresh token and time."""
    here.slack.workspace.grants.expires_in = 600
    await here.install(here.code("T0HARB0R", user_scopes="search:read"))
    bot = (await here.saved())["T0HARB0R"].bot
    user = await here.store.transact(lambda c: here.installations.find_user(c, "T0HARB0R", "U0ADA"))
    assert bot is not None
    assert user is not None
    assert user.token is not None
    for token in (bot, user.token):
        assert token.expires_at == SLACKS_CLOCK + 600
        assert str(token.refresh).startswith("xoxe-T0HARB0R-")


async def test_an_installation_again_mends_one_that_needs_it(here: Here) -> None:
    """It has new tokens and no reason any more."""
    broken = Installation("T0HARB0R", Token("xoxb-T0HARB0R-old"), reason="revoked", installed_at=1.0)
    await here.store.transact(lambda c: here.installations.save(c, replace(broken, version=1)))
    await here.install(here.code("T0HARB0R"))
    one = (await here.saved())["T0HARB0R"]
    assert one.reason is None
    assert one.bot is not None
    assert one.bot.access != "xoxb-T0HARB0R-old"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (Line(method="oauth.v2.access", error="invalid_code"), "invalid_code"),
        (Line(method="oauth.v2.access", error="not a word of Slack's <b>"), "slack_failed"),
        (Line(method="oauth.v2.access", status=500), "slack_failed"),
        (Line(method="oauth.v2.access", no_answer="close"), "slack_unreachable"),
        (Line(method="oauth.v2.access", answer={"team": {"id": "T1"}}), "unreadable"),
        (Line(method="oauth.v2.access", answer={"access_token": "xoxb-1", "team": {"id": "../x"}}), "unreadable"),
        (Line(method="oauth.v2.access", answer={"access_token": ["xoxb-1"], "team": "T1"}), "unreadable"),
        (Line(method="auth.test", error="internal_error", times=None), "internal_error"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_slack_does_not_grant_stores_nothing(here: Here, line: Line, word: str) -> None:
    """An error, a broken connection and an answer that lacks something leave no row, and name no secret."""
    here.slack.script.add(line.model_copy())
    code = here.code("T0HARB0R")
    with pytest.raises(NotInstalledError) as refused:
        await here.install(code)
    assert refused.value.word == word
    assert code not in str(refused.value)
    assert "xox" not in str(refused.value)
    assert await here.saved() == {}
    assert here.cache.changes == []


async def test_a_moment_without_slack_or_the_database_after_the_exchange_is_waited_for(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is used up, so what follows is tried again before the user is told to begin again."""
    here.slack.script.add(Line(method="auth.test", status=503))
    usual, failed = here.store.transact, [StoreUnavailableError("away")]

    async def once_away(*given: object, **named: object) -> object:
        if failed:
            raise failed.pop()
        return await usual(*given, **named)  # type: ignore[arg-type] # what the caller gave

    monkeypatch.setattr(here.store, "transact", once_away)
    await here.install(here.code("T0HARB0R"))
    assert list(await here.saved()) == ["T0HARB0R"]


async def test_a_repr_shows_no_secret(here: Here) -> None:
    """What is logged by accident names neither a token nor the client's secret."""
    installed = await here.install(here.code("T0HARB0R", user_scopes="search:read"))
    assert "xox" not in repr(installed)
    assert "secret-1" not in repr(here.install)
