"""What an uninstallation or revoked tokens remove is exactly what they name, in one way in all databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.leaving import Leaving, installation_of

from tests.support.rotation_pod import KEYS, Remembered, save

INSTALLED = 1_900_000_000.0
ONE = Installation("T1", Token("xoxb-1"), bot_id="B1", bot_user_id="U0", scopes=("commands",), installed_at=INSTALLED)
OTHER = replace(ONE, workspace="T2")
ORG = replace(ONE, workspace="E1", org_wide=True, enterprise_id="E1")
U1 = UserToken("T1", "U1", Token("xoxp-1"), installed_at=INSTALLED)
U2 = replace(U1, user_id="U2")


def event(type_: str, *, org_wide: bool = False, **tokens: list[str]) -> dict[str, Any]:
    """The payload as Slack sends it, for T1 of the organization E1, a minute after the installation."""
    authorization = {"enterprise_id": "E1", "team_id": "T1", "user_id": "U0", "is_enterprise_install": org_wide}
    about: dict[str, Any] = {"type": type_} | ({"tokens": tokens} if tokens else {})
    ids = {"team_id": "T1", "enterprise_id": "E1", "api_app_id": "A1", "event_id": "Ev1"}
    return {
        "type": "event_callback",
        **ids,
        "event_time": INSTALLED + 60,
        "authorizations": [authorization],
        "event": about,
    }


class Here:
    """All that a test needs on one database."""

    def __init__(self, inbox: Inbox) -> None:
        self.store = inbox.store
        self.installations = Installations(inbox.database.dialect, KEYS)
        self.cache = Remembered()
        self.leave = Leaving(self.store, self.cache.changed, self.installations)

    async def save(self, *found: Installation | UserToken) -> None:
        """Installs."""
        await save(self.store, self.installations, *found)

    async def workspaces(self) -> list[str]:
        """Where the app is installed."""
        return [one.workspace for one in await self.store.transact(self.installations.all)]

    async def users(self) -> list[str]:
        """Which of U1 and U2 have tokens in T1."""
        found = []
        for id_ in ("U1", "U2"):
            if await self.store.transact(lambda c, id_=id_: self.installations.find_user(c, "T1", id_)) is not None:
                found.append(id_)
        return found


@pytest.fixture
async def here(inbox: Inbox) -> Here:
    """Two workspaces and an organization, and two users' tokens in T1."""
    here = Here(inbox)
    await here.save(ONE, OTHER, ORG, U1, U2)
    return here


async def test_an_uninstallation_removes_its_workspace_alone(here: Here) -> None:
    """With the tokens of its users; again it finds nothing, and the other pods are told again."""
    await here.leave(event("app_uninstalled"))
    assert await here.workspaces() == ["E1", "T2"]
    assert await here.users() == []
    await here.leave(event("app_uninstalled"))
    assert await here.workspaces() == ["E1", "T2"]
    assert here.cache.changes == ["T1", "T1"]


async def test_an_organization_that_leaves_keeps_the_installations_of_its_workspaces(here: Here) -> None:
    """An org-wide installation is named by the organization, and the workspace's own is another one."""
    await here.leave(event("app_uninstalled", org_wide=True))
    assert await here.workspaces() == ["T1", "T2"]
    assert await here.users() == ["U1", "U2"]
    assert here.cache.changes == ["E1"]


@pytest.mark.parametrize(
    "payload",
    [
        event("app_uninstalled"),
        event("tokens_revoked", bot=["U0"]),
        event("tokens_revoked", oauth=["U1"]),
        event("tokens_revoked", bot=["U0"], oauth=["U1", "U2"]),
    ],
)
async def test_an_event_that_is_older_than_the_installation_removes_nothing(
    here: Here, payload: dict[str, Any]
) -> None:
    """It was delayed, and the workspace has installed the app again since."""
    again = [replace(one, installed_at=INSTALLED + 61) for one in (U1, U2)]
    await here.save(replace(ONE, installed_at=INSTALLED + 61), *again)
    await here.leave(payload)
    assert await here.workspaces() == ["E1", "T1", "T2"]
    assert await here.users() == ["U1", "U2"]
    found = await here.store.transact(lambda c: here.installations.find(c, ["T1"]))
    assert found["T1"].bot == ONE.bot


async def test_a_late_uninstallation_removes_what_was_granted_before_it(here: Here) -> None:
    """It ended the tokens of all users: the app was installed again by one of them, and the other's is gone."""
    again = INSTALLED + 61
    await here.save(replace(ONE, installed_at=again), replace(U1, installed_at=again))
    await here.leave(event("app_uninstalled"))
    assert await here.workspaces() == ["E1", "T1", "T2"]
    assert await here.users() == ["U1"]


async def test_an_uninstallation_leaves_what_a_user_has_granted_since(here: Here) -> None:
    """The bot is gone, and so is the other user's token; the younger one works."""
    await here.save(replace(U1, installed_at=INSTALLED + 61))
    await here.leave(event("app_uninstalled"))
    assert await here.workspaces() == ["E1", "T1", "T2"]
    assert await here.users() == ["U1"]
    found = await here.store.transact(lambda c: here.installations.find(c, ["T1"]))
    assert found["T1"].bot is None


async def test_a_user_who_revokes_loses_that_token_alone(here: Here) -> None:
    """The bot and the other user go on."""
    await here.leave(event("tokens_revoked", oauth=["U1"], bot=[]))
    assert await here.users() == ["U2"]
    found = await here.store.transact(lambda c: here.installations.find(c, ["T1"]))
    assert found["T1"] == ONE


async def test_a_bots_token_that_is_revoked_leaves_the_users(here: Here) -> None:
    """The installation stays for their tokens, without a bot; with the last of them it goes too."""
    await here.leave(event("tokens_revoked", bot=["U0"]))
    found = await here.store.transact(lambda c: here.installations.find(c, ["T1"]))
    assert found["T1"] == replace(ONE, bot=None, bot_id=None, bot_user_id=None, scopes=(), version=2)
    assert await here.users() == ["U1", "U2"]
    await here.leave(event("tokens_revoked", oauth=["U1", "U2"]))
    assert await here.workspaces() == ["E1", "T2"]


async def test_the_bots_token_of_a_workspace_without_users_is_its_installation(here: Here) -> None:
    """Nothing is left of it."""
    await here.leave(event("tokens_revoked", bot=["U0"], oauth=["U1", "U2"]))
    assert await here.workspaces() == ["E1", "T2"]


@pytest.mark.parametrize(
    "payload",
    [
        event("app_mention"),
        {"type": "ssl_check"},
        {**event("app_uninstalled"), "event_time": None},
        {**event("app_uninstalled"), "authorizations": [], "team_id": None, "enterprise_id": None},
        {**event("tokens_revoked"), "event": {"type": "tokens_revoked", "tokens": "all"}},
        event("tokens_revoked", bot=[], oauth=[]),
    ],
)
async def test_what_names_nothing_removes_nothing(here: Here, payload: dict[str, Any]) -> None:
    """Neither another event nor one of which it is not known what left and when."""
    await here.leave(payload)
    assert await here.workspaces() == ["E1", "T1", "T2"]
    assert await here.users() == ["U1", "U2"]


@pytest.mark.parametrize(
    ("payload", "workspace"),
    [
        ({"team_id": "T1", "enterprise_id": "E1"}, "T1"),
        ({"team_id": "T1", "authorizations": [{"team_id": "T2", "enterprise_id": "E1"}]}, "T2"),
        ({"team_id": "T1", "authorizations": [{"enterprise_id": "E1", "is_enterprise_install": True}]}, "E1"),
        ({"team_id": None, "enterprise_id": "E1", "is_enterprise_install": True}, "E1"),
        ({"team_id": None, "enterprise_id": "E1"}, "E1"),
        ({"authorizations": "none"}, None),
    ],
)
def test_which_installation_an_event_is_about(payload: dict[str, Any], workspace: str | None) -> None:
    """The organization's where it is org-wide, else the workspace's, as its authorization says."""
    assert installation_of(payload) == workspace
