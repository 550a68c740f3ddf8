"""The emulator plays the installation of an app in several workspaces, each with a token of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.state.grants import Grant
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth")  # slack_sdk's own use of aiohttp

APP = {"client_id": "1.2", "client_secret": "s"}
BACK = "https://app.example.com/slack/oauth_redirect"
ASKED = {"client_id": "1.2", "scope": "commands,chat:write", "state": "s<1>", "redirect_uri": BACK}


def client(slack: Emulator, token: str | None = None) -> AsyncWebClient:
    """Slack's own client with a token."""
    return AsyncWebClient(token=token, base_url=slack.api_url)


def code(slack: Emulator, team: str) -> str:
    """A code that a user of a workspace has allowed."""
    return slack.workspace.grants.allow(Grant(team, "commands"))


async def answered(slack: Emulator, **fields: str) -> dict[str, list[str]]:
    """What the browser brings back to the app after a button of the page."""
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as http:
        sent = await http.post("/oauth/v2/authorize", data={**ASKED, **fields})
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{BACK}?")
    return parse_qs(urlsplit(sent.headers["location"]).query)


@pytest.mark.parametrize(
    ("token", "team", "bot_id"),
    [
        ("xoxb-made-up", "T0ANCH0R", "B0ANCH0R"),
        ("xoxb-T0HARB0R-1", "T0HARB0R", "B0HARB0R"),
        ("xoxe.xoxb-T0123456-1", "T0123456", "B0123456"),
        ("xoxp-T0HARB0R-U0GRACE-1", "T0HARB0R", None),
    ],
)
async def test_a_token_names_its_workspace(slack: Emulator, token: str, team: str, bot_id: str | None) -> None:
    """auth.test answers by the token, and the call is kept with the workspace that it was made in."""
    answer = await client(slack, token).auth_test()
    assert (answer["team_id"], answer.get("bot_id")) == (team, bot_id)
    (call,) = slack.calls.since()
    assert call.public()["team"] == team


async def test_a_code_of_the_page_is_exchanged_once(slack: Emulator) -> None:
    """What was allowed on the page is what the app gets, in the chosen workspace; a second time it gets nothing."""
    brought = await answered(slack, answer="allow", team="T0HARB0R", user_scope="search:read")
    assert brought["state"] == ["s<1>"]
    exchange = {**APP, "code": brought["code"][0], "redirect_uri": BACK}
    answer = await client(slack).oauth_v2_access(**exchange)
    assert answer["scope"] == "commands,chat:write"
    assert answer["team"] == {"id": "T0HARB0R", "name": "Harbor Works"}
    assert (await client(slack, answer["access_token"]).auth_test())["team_id"] == "T0HARB0R"
    assert answer["authed_user"]["access_token"].startswith("xoxp-T0HARB0R-")
    with pytest.raises(SlackApiError, match="code_already_used"):
        await client(slack).oauth_v2_access(**exchange)


async def test_a_code_is_bound_to_its_redirect_uri(slack: Emulator) -> None:
    """A code that was given for one address is not exchanged for another."""
    brought = await answered(slack, answer="allow")
    with pytest.raises(SlackApiError, match="bad_redirect_uri"):
        await client(slack).oauth_v2_access(**APP, code=brought["code"][0], redirect_uri="https://other.example.com/")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"code": "T0HARB0R.made-up"}, "invalid_code"),
        ({"code": ""}, "invalid_code"),
        ({"client_id": "3.4"}, "invalid_code"),
        ({"client_id": ""}, "invalid_client_id"),
        ({"client_secret": ""}, "bad_client_secret"),
        ({"redirect_uri": None}, "bad_redirect_uri"),
    ],
)
async def test_a_code_is_as_strict_as_slacks(slack: Emulator, changes: dict[str, str | None], word: str) -> None:
    """A code that no page gave, or for another app or address, installs nothing, and is not used up by that."""
    given = (await answered(slack, answer="allow"))["code"][0]
    exchange: dict[str, Any] = {**APP, "code": given, "redirect_uri": BACK}
    with pytest.raises(SlackApiError, match=f"'{word}'"):
        await client(slack).oauth_v2_access(**{**exchange, **changes})
    assert (await client(slack).oauth_v2_access(**exchange))["ok"]


async def test_an_organization_is_installed_as_a_whole(slack: Emulator) -> None:
    """An org-wide installation has an enterprise and no team; one of its workspaces has both."""
    whole = await client(slack).oauth_v2_access(**APP, code=code(slack, "E0FLEET"))
    assert (whole["team"], whole["enterprise"]["id"], whole["is_enterprise_install"]) == (None, "E0FLEET", True)
    member = await client(slack).oauth_v2_access(**APP, code=code(slack, "T0D0CK"))
    assert (member["team"]["id"], member["enterprise"]["id"]) == ("T0D0CK", "E0FLEET")
    assert member["is_enterprise_install"] is False


async def test_cancelling_is_told_to_the_app(slack: Emulator) -> None:
    """The button Cancel sends the browser back with Slack's word for it, and the state."""
    assert await answered(slack, answer="cancel") == {"error": ["access_denied"], "state": ["s<1>"]}


async def test_the_page_shows_what_is_asked_and_runs_none_of_it(slack: Emulator) -> None:
    """The page names scopes and workspaces, with whatever the app passed escaped."""
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as http:
        page = await http.get("/oauth/v2/authorize", params={**ASKED, "team": "T0HARB0R", "state": '"><script>'})
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert '<option value="T0HARB0R" selected>' in page.text
        for wrong in ({"redirect_uri": "javascript:alert(1)"}, {"scope": ""}, {"client_id": ""}):
            assert (await http.get("/oauth/v2/authorize", params={**ASKED, **wrong})).status_code == 400


async def test_tokens_that_expire_are_refreshed_once(slack: Emulator) -> None:
    """With `expires_in` a token has a refresh token, which works once, the bot's as well as a user's."""
    slack.workspace.grants.expires_in = 600
    brought = await answered(slack, answer="allow", user_scope="search:read")
    installed = await client(slack).oauth_v2_access(**APP, code=brought["code"][0], redirect_uri=BACK)
    assert installed["expires_in"] == installed["authed_user"]["expires_in"] == 600
    for part, sort in ((installed.data, "bot"), (installed["authed_user"], "user")):
        assert isinstance(part, dict)
        refresh = {**APP, "grant_type": "refresh_token", "refresh_token": part["refresh_token"]}
        fresh = await client(slack).oauth_v2_access(**refresh)
        assert fresh["token_type"] == sort
        assert fresh["access_token"] != part["access_token"]
        with pytest.raises(SlackApiError, match="invalid_refresh_token"):
            await client(slack).oauth_v2_access(**refresh)


async def test_an_uninstalled_workspace_refuses_its_tokens(slack: Emulator) -> None:
    """apps.uninstall ends the tokens of one workspace; those of others, and the shared one, go on to work."""
    first = (await client(slack).oauth_v2_access(**APP, code=code(slack, "T0HARB0R")))["access_token"]
    second = (await client(slack).oauth_v2_access(**APP, code=code(slack, "T0HARB0R")))["access_token"]
    await client(slack, first).apps_uninstall(**APP)
    for token in (first, second):
        with pytest.raises(SlackApiError, match="token_revoked"):
            await client(slack, token).auth_test()
    for token in ("xoxb-T0123456-1", "xoxb-made-up"):
        assert (await client(slack, token).auth_test())["ok"]
