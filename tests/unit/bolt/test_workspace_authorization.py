"""Installed in many workspaces, each delivery runs with the tokens of its own, and `auth.test` is not asked."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from anchorbolt.bolt.workspace_authorization import candidates
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.sample import as_json
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.encryption import Keys
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.telemetry import metrics
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from tests.support.app_in_process import App
from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith

KEY = b"k" * 32
ANY = re.compile("")
SETTINGS: dict[str, Any] = {
    "slack_bot_token": None,
    "slack_client_id": "1.2",
    "slack_client_secret": "secret",
    "slack_scopes": "chat:write",
    "public_url": "https://app.example.com",
    "token_keys": base64.b64encode(KEY).decode(),
}
Seen = list[tuple[str | None, str | None, str | None]]


def mention(team_id: str, **changes: Any) -> Sample:
    """A mention in a workspace."""
    sample = make("app_mention", Scene(team_id=team_id))
    payload = json.loads(sample.body) | changes
    return as_json("app_mention", "event", payload, sample.key)


def listeners(seen: Seen) -> Any:
    """Listeners that note the tokens they were given, and call Slack."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def event(client: AsyncWebClient, context: AsyncBoltContext) -> None:
            seen.append((client.token, context.bot_token, context.user_token))
            await client.chat_postMessage(channel="C1", text="hello")

        @app.command(ANY)
        async def command(ack: AsyncAck) -> None:
            await ack("ran")

        @app.action(ANY)
        async def action(ack: AsyncAck) -> None:
            await ack()

    return register


async def install(app: App, workspace: str, token: str | None, **more: Any) -> None:
    """Saves an installation, as another process would."""
    inbox = app.parts.inbox
    installations = Installations(inbox.database.dialect, Keys([KEY]))
    bot = Token(token) if token is not None else None
    await inbox.store.transact(lambda c: installations.save(c, Installation(workspace, bot, **more)))
    inbox.on_workspaces()


async def test_each_workspace_has_its_own_token(app_with: AppWith, slack: Emulator) -> None:
    """Listeners are given the token of the workspace of the event, call Slack with it, and nobody asks auth.test."""
    seen: Seen = []
    async with app_with(listeners(seen), **SETTINGS) as app:
        await install(app, "T1", "xoxb-1")
        await install(app, "T2", "xoxb-2")
        for team_id in ("T1", "T2", "T1"):
            await app.player.deliver(sample := mention(team_id))
            assert (await app.until_ended(sample.key)).state == "done"

    assert [token for token, *_ in seen] == ["xoxb-1", "xoxb-2", "xoxb-1"]
    assert slack.calls.by_method["auth.test"] == 0


async def test_a_workspace_without_an_installation_runs_nothing(app_with: AppWith) -> None:
    """Its event is done and counted as not_installed, with one warning; its command is told where to install."""
    seen: Seen = []
    counted = metrics.deliveries.value("event", "not_installed")
    async with app_with(listeners(seen), **SETTINGS) as app:
        with capture_logs() as lines:
            for _ in range(2):
                await app.player.deliver(sample := mention("T3"))
                assert (await app.until_ended(sample.key)).state == "done"
            (answer,) = await app.player.deliver(make("command", Scene(team_id="T3")))

    assert seen == []
    assert metrics.deliveries.value("event", "not_installed") == counted + 2
    assert sum("without an installation" in line["event"] for line in lines) == 1
    assert "https://app.example.com/slack/install" in json.loads(answer.body)["text"]


async def test_a_workspace_that_is_installed_meanwhile_is_found(app_with: AppWith) -> None:
    """What was not there a moment ago is looked for again when another process says that there is a change."""
    seen: Seen = []
    async with app_with(listeners(seen), **SETTINGS) as app:
        await app.player.deliver(sample := mention("T1"))
        await app.until_ended(sample.key)
        await install(app, "T1", "xoxb-1")
        await app.player.deliver(sample := mention("T1"))
        await app.until_ended(sample.key)
        await install(app, "T1", "xoxb-new")

        async def has_new() -> bool:
            await app.player.deliver(sample := mention("T1"))
            await app.until_ended(sample.key)
            return seen[-1][0] == "xoxb-new"

        for _ in range(50):
            if await has_new():
                break

    assert seen[0][0] == "xoxb-1"
    assert seen[-1][0] == "xoxb-new"


async def test_a_user_token_is_given_to_the_listener_of_that_user(app_with: AppWith) -> None:
    """Who has granted scopes is acted for with a token of their own; other users' events have the bot's alone."""
    seen: Seen = []
    async with app_with(listeners(seen), **SETTINGS) as app:
        installations = Installations(app.parts.inbox.database.dialect, Keys([KEY]))
        user = UserToken("T1", "U0ADA", Token("xoxp-ada"))
        await app.parts.inbox.store.transact(lambda c: installations.save_user(c, user))
        await install(app, "T1", "xoxb-1")
        for user_id in ("U0ADA", "U0GRACE"):
            sample = make("app_mention", Scene(team_id="T1", user_id=user_id))
            await app.player.deliver(sample)
            await app.until_ended(sample.key)

    assert seen == [("xoxb-1", "xoxb-1", "xoxp-ada"), ("xoxb-1", "xoxb-1", None)]


async def test_users_who_granted_scopes_do_not_hide_the_bot_of_their_organization(app_with: AppWith) -> None:
    """The bot of the organization acts in a workspace that has users' tokens alone, with that of the user who acts."""
    seen: Seen = []
    async with app_with(listeners(seen), **SETTINGS) as app:
        installations = Installations(app.parts.inbox.database.dialect, Keys([KEY]))
        user = UserToken("T1", "U0ADA", Token("xoxp-ada"))
        await app.parts.inbox.store.transact(lambda c: installations.save_user(c, user))
        await install(app, "T1", None, enterprise_id="E1")
        await install(app, "E1", "xoxb-org", org_wide=True, enterprise_id="E1")
        authorization = {"enterprise_id": "E1", "team_id": "T1", "is_bot": True, "is_enterprise_install": True}
        for user_id in ("U0ADA", "U0GRACE"):
            event = {"type": "app_mention", "user": user_id, "text": "hello", "channel": "C1", "ts": "1.2"}
            sample = mention("T1", event=event, enterprise_id="E1", authorizations=[authorization])
            await app.player.deliver(sample)
            assert (await app.until_ended(sample.key)).state == "done"

    assert seen == [("xoxb-org", "xoxb-org", "xoxp-ada"), ("xoxb-org", "xoxb-org", None)]


async def test_the_authorization_is_that_of_the_token(app_with: AppWith) -> None:
    """Of several authorizations the one that is installed counts, also where Slack names another one first."""
    seen: list[tuple[str | None, str | None, str | None]] = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def event(context: AsyncBoltContext) -> None:
            result = context.authorize_result
            assert result is not None
            seen.append((context.bot_token, result.team_id, result.enterprise_id))

    async with app_with(register, **SETTINGS) as app:
        await install(app, "T1", "xoxb-1")
        named = [{"team_id": team, "enterprise_id": of, "is_bot": True} for team, of in (("T2", "E2"), ("T1", None))]
        sample = mention("T9", is_ext_shared_channel=True, authorizations=named)
        await app.player.deliver(sample)
        await app.until_ended(sample.key)

    assert seen == [("xoxb-1", "T1", None)]


@pytest.mark.parametrize("own", ["T9", "T1"])
async def test_a_click_on_what_an_org_wide_app_posted_is_its_organizations(app_with: AppWith, own: str) -> None:
    """Slack names the user's workspace, which may be of Slack Connect and have the app too: its token is not taken.

    A workspace of the organization that has an installation of its own is served by that one, as everywhere.
    """
    seen: list[str | None] = []

    def register(app: AsyncApp) -> None:
        @app.action(ANY)
        async def action(ack: AsyncAck, context: AsyncBoltContext) -> None:
            seen.append(context.bot_token)
            await ack()

    async with app_with(register, **SETTINGS) as app:
        await install(app, "T9", "xoxb-of-a-customer", enterprise_id=None)
        await install(app, "T1", "xoxb-of-the-member", enterprise_id="E1")
        await install(app, "E1", "xoxb-org", org_wide=True, enterprise_id="E1")
        sample = make("block_actions", Scene())
        payload = json.loads(parse_qs(sample.body.decode())["payload"][0])
        payload |= {"team": None, "enterprise": {"id": "E1", "name": "Fleet"}, "is_enterprise_install": True}
        payload["user"]["team_id"] = own
        (answer,) = await app.player.deliver(replace(sample, body=urlencode({"payload": json.dumps(payload)}).encode()))

    assert answer.status == 200
    assert seen == ["xoxb-org" if own == "T9" else "xoxb-of-the-member"]


@pytest.mark.parametrize("word", ["token_revoked", "account_inactive", "missing_scope"])
async def test_one_workspace_does_not_hold_the_listener_of_the_others(
    app_with: AppWith, slack: Emulator, word: str
) -> None:
    """Whose token was revoked, or lacks a scope, has dead letters; what the other workspaces send runs at once."""
    seen: Seen = []
    slack.script.add(Line(method="chat.postMessage", error=word, times=4))
    async with app_with(listeners(seen), **SETTINGS) as app:
        await install(app, "T1", "xoxb-1")
        await install(app, "T2", "xoxb-2")
        for _ in range(4):
            await app.player.deliver(sample := mention("T1"))
            assert (await app.until_ended(sample.key)).state == "dead"
        assert app.parts.worker.held_listeners == 0
        await app.player.deliver(sample := mention("T2"))
        assert (await app.until_ended(sample.key)).state == "done"


async def test_a_listener_is_told_that_the_users_own_token_is_gone(app_with: AppWith) -> None:
    """Where Slack renews it no more the bot's is given, and the context says why.

    A user who has granted nothing is told nothing.
    """
    seen: list[tuple[str | None, str | None, str | None]] = []

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def event(context: AsyncBoltContext) -> None:
            seen.append((context.bot_token, context.user_token, context.get("user_token_gone")))

    async with app_with(register, **SETTINGS) as app:
        installations = Installations(app.parts.inbox.database.dialect, Keys([KEY]))
        user = UserToken("T1", "U0ADA", Token("xoxe.xoxp-ada", None, 1.0))
        await app.parts.inbox.store.transact(lambda c: installations.save_user(c, user))
        await install(app, "T1", "xoxb-1")
        for user_id in ("U0ADA", "U0GRACE"):
            await app.player.deliver(sample := make("app_mention", Scene(team_id="T1", user_id=user_id)))
            assert (await app.until_ended(sample.key)).state == "done"

    assert [one[:2] for one in seen] == [("xoxb-1", None), ("xoxb-1", None)]
    assert "the app must be installed again in T1 by U0ADA: " in str(seen[0][2])
    assert "no refresh token" in str(seen[0][2])
    assert seen[1][2] is None


async def test_a_scope_that_is_missing_is_named_with_its_call(app_with: AppWith, slack: Emulator) -> None:
    """The dead letter says which call needs which scope."""
    slack.script.add(Line(method="chat.postMessage", error="missing_scope", answer={"needed": "chat:write"}))
    async with app_with(listeners([]), **SETTINGS) as app:
        await install(app, "T1", "xoxb-1")
        await app.player.deliver(sample := mention("T1"))
        row = await app.until_ended(sample.key)

    assert row.state == "dead"
    assert row.error.startswith("SlackApiError: missing_scope: chat.postMessage needs the scope chat:write: add it")


async def test_a_workspace_that_must_be_installed_again_leaves_a_dead_letter(app_with: AppWith) -> None:
    """Without a token that can be used its delivery is kept, and its error says what to do; others run."""
    seen: Seen = []
    async with app_with(listeners(seen), **SETTINGS) as app:
        state = InstallationState.REINSTALL_NEEDED
        await install(app, "T1", None, state=state, reason="its tokens cannot be refreshed")
        await install(app, "T2", "xoxb-2")
        await app.player.deliver(dead := mention("T1"))
        await app.player.deliver(done := mention("T2"))
        row = await app.until_ended(dead.key)
        assert (await app.until_ended(done.key)).state == "done"

    assert row.state == "dead"
    assert "installed again in T1: its tokens cannot be refreshed" in row.error
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"team_id": "T1", "authorizations": [{"team_id": "T1", "enterprise_id": None}]}, ["T1"]),
        # Slack Connect: the outer workspace is another's.
        ({"team_id": "T9", "authorizations": [{"team_id": "T1", "enterprise_id": "E1"}]}, ["T1", "E1"]),
        # Org-wide: the workspace of the event is known where it belongs to the organization.
        (
            {
                "team_id": "T1",
                "enterprise_id": "E1",
                "authorizations": [{"team_id": None, "enterprise_id": "E1", "is_enterprise_install": True}],
            },
            ["T1", "E1"],
        ),
        (
            {
                "team_id": "T9",
                "enterprise_id": "E9",
                "context_team_id": "T1",
                "context_enterprise_id": "E1",
                "authorizations": [{"team_id": None, "enterprise_id": "E1", "is_enterprise_install": True}],
            },
            ["T1", "E1"],
        ),
        (
            {
                "team_id": "T9",
                "enterprise_id": "E9",
                "authorizations": [{"team_id": None, "enterprise_id": "E1", "is_enterprise_install": True}],
            },
            ["E1"],
        ),
        ({"team_id": "T1", "authorizations": []}, ["T1"]),
        ({"team_id": 5, "authorizations": [{"team_id": {}, "enterprise_id": 7}]}, []),
    ],
)
def test_where_the_installation_of_an_event_is_looked_for(body: dict[str, Any], found: list[str]) -> None:
    """In the workspaces that its authorizations name, then in their organizations."""
    payload = {"type": "event_callback", "event": {"type": "app_mention"}} | body

    assert candidates(AsyncBoltRequest(body=payload, mode="socket_mode")) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"team": {"id": "T1"}, "enterprise": {"id": "E1"}}, ["T1", "E1"]),
        ({"team": None, "user": {"team_id": "T1"}, "enterprise": {"id": "E1"}}, ["T1", "E1"]),
        ({"team": {"id": "T9"}, "view": {"app_installed_team_id": "T1"}}, ["T1"]),
        ({"team": {"id": "T9"}, "message": {"team": "T1"}}, ["T9", "T1"]),
    ],
)
def test_where_the_installation_of_a_click_is_looked_for(body: dict[str, Any], found: list[str]) -> None:
    """Where Bolt's extractors say; a message that another workspace clicks on names the one that it was posted in."""
    payload = {"type": "block_actions"} | body

    assert candidates(AsyncBoltRequest(body=payload, mode="socket_mode")) == found


async def test_a_click_without_an_installation_is_told(app_with: AppWith, slack: Emulator) -> None:
    """Who clicked gets a message with the link, because the response to a click shows nothing."""
    async with app_with(listeners([]), **SETTINGS) as app:
        (answer,) = await app.player.deliver(make("block_actions", Scene(team_id="T3", slack_url=slack.url)))
        assert answer.status == 200
        await until(lambda: slack.calls.by_method["response_url"] == 1, what="the user was told")
