"""What belongs to a workspace that our token is not for runs nothing, and its users are told so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt.foreign import TEXT, TokenScope
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.sample import as_json
from anchorbolt.emulator.scene import TEAM_ID, Scene
from anchorbolt.emulator.script import Line
from anchorbolt.telemetry import metrics
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.bolt.conftest import AppWith

ANY = re.compile("")
FOREIGN = "T0FOREIGN"
WARNING = "a foreign workspace sends to this app: nothing runs for it"
INTERACTIONS = ("command", "block_actions", "message_action", "shortcut", "view_submission", "view_closed")


def everything(ran: list[str]) -> Callable[[AsyncApp], None]:
    """A listener for every kind, which notes that it ran."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def event() -> None:
            ran.append("event")

        async def acknowledge(ack: AsyncAck) -> None:
            await ack()
            ran.append("interaction")

        app.command(ANY)(acknowledge)
        app.action(ANY)(acknowledge)
        app.shortcut(ANY)(acknowledge)
        app.view(ANY)(acknowledge)
        app.view_closed(ANY)(acknowledge)
        app.options(ANY)(acknowledge)

    return register


def changed(**changes: Any) -> Sample:
    """A mention with other values in its outer payload."""
    sample = make("app_mention")
    payload = json.loads(sample.body) | changes
    return as_json("app_mention", "event", payload, sample.key)


def said(body: bytes) -> str:
    """What the response to a command says."""
    answer: dict[str, str] = json.loads(body)
    assert answer["response_type"] == "ephemeral"
    return answer["text"]


async def test_an_event_of_a_foreign_workspace_runs_nothing(app_with: AppWith) -> None:
    """It is answered 200, done and counted as foreign, and one warning for each workspace names it."""
    ran: list[str] = []
    counted = metrics.deliveries.value("event", "foreign")
    with capture_logs() as lines:
        async with app_with(everything(ran)) as app:
            for team_id in (FOREIGN, FOREIGN, "T0OTHER"):
                ack = await app.player.send(make("app_mention", Scene(team_id=team_id)))
                assert ack.status == 200
                assert (await app.until_ended(ack.sample.key)).state == "done"
    assert ran == []
    assert metrics.deliveries.value("event", "foreign") == counted + 3
    assert [line["team_id"] for line in lines if line["event"] == WARNING] == [FOREIGN, "T0OTHER"]
    assert [line["outcome"] for line in lines if line["event"] == "delivery ended"] == ["foreign"] * 3


@pytest.mark.parametrize("kind", INTERACTIONS)
async def test_a_user_of_a_foreign_workspace_is_told(app_with: AppWith, slack: Emulator, kind: str) -> None:
    """A command, a click, a shortcut or a view is answered 200 and runs nothing; where Slack can show it, a text says
    that the app is not installed there."""
    ran: list[str] = []
    async with app_with(everything(ran)) as app:
        ack = await app.player.send(make(kind, Scene(team_id=FOREIGN, slack_url=slack.url)))
        assert ack.status == 200
        if kind == "command":
            assert said(ack.body) == TEXT
        elif kind == "view_submission":
            answer = json.loads(ack.body)
            assert (answer["response_action"], TEXT in json.dumps(answer["view"])) == ("update", True)
        elif kind in ("block_actions", "message_action"):
            call = await until(
                lambda: next((call for call in slack.calls.since() if TEXT in str(call.arguments)), None),
                what="the text is posted to the response_url",
            )
            assert call.arguments["response_type"] == "ephemeral"
            assert call.arguments["replace_original"] is False
    assert ran == []


async def test_options_for_a_foreign_workspace_are_none(app_with: AppWith) -> None:
    """A select of a foreign workspace gets an empty list of options, and no listener runs for it."""
    ran: list[str] = []
    async with app_with(everything(ran)) as app:
        ack = await app.player.send(make("block_suggestion", Scene(team_id=FOREIGN)))
    assert (ack.status, json.loads(ack.body), ran) == (200, {"options": []}, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"team_id": FOREIGN},
        {"team_id": FOREIGN, "authorizations": [{"team_id": FOREIGN}, {"team_id": TEAM_ID}]},
        {"team_id": FOREIGN, "authorizations": [], "is_ext_shared_channel": True},
    ],
)
async def test_slack_connect_is_not_foreign(app_with: AppWith, changes: dict[str, Any]) -> None:
    """An event from a shared channel carries the outer team of another workspace: one authorization of ours counts."""
    ran: list[str] = []
    async with app_with(everything(ran)) as app:
        sample = changed(**changes)
        assert (await app.player.send(sample)).status == 200
        await app.until_ended(sample.key)
    assert ran == ["event"]


async def test_nothing_is_foreign_before_slack_said_who_we_are(app_with: AppWith, slack: Emulator) -> None:
    """While auth.test fails, what would be foreign is a failed attempt or a 503, never done."""
    slack.script.add(Line(method="auth.test", error="internal_error", times=2))
    async with app_with(everything([])) as app:
        assert (await app.player.send(make("command", Scene(team_id=FOREIGN)))).status == 503
        ack = await app.player.send(make("app_mention", Scene(team_id=FOREIGN)))
        row = await app.until_ended(ack.sample.key)
    assert (row.state, row.attempts) == ("done", 2)


@pytest.mark.parametrize("of", ["app_uninstalled", "tokens_revoked"])
async def test_an_uninstall_is_never_foreign(app_with: AppWith, of: str) -> None:
    """The events that end an installation reach their listener whatever workspace they name."""
    ran: list[str] = []

    def register(app: AsyncApp) -> None:
        @app.event(of)
        async def gone() -> None:
            ran.append(of)

        everything([])(app)

    async with app_with(register) as app:
        assert (await app.player.send(make("command"))).status == 200  # auth.test has succeeded
        sample = changed(event={"type": of}, team_id=FOREIGN, authorizations=[{"team_id": FOREIGN}])
        await app.player.send(sample)
        await app.until_ended(sample.key)
    assert ran == [of]


ORG = TokenScope(None, "E0ORG", org_wide=True)
ONE = TokenScope(TEAM_ID, "E0ORG", org_wide=False)


def covers(scope: TokenScope, body: dict[str, Any]) -> bool:
    """Whether a token covers a request with this payload."""
    return scope.covers(AsyncBoltRequest(body=body, mode="socket_mode"))


def event_for(**authorization: Any) -> dict[str, Any]:
    """An event with one authorization."""
    return {"type": "event_callback", "team_id": "T0OUTER", "event": {}, "authorizations": [authorization]}


def test_an_org_wide_installation_covers_every_workspace_of_its_org() -> None:
    """With the token of an Enterprise org its workspaces are ours, and those of another org are not."""
    assert covers(ORG, event_for(team_id="T0ANY", enterprise_id="E0ORG", is_enterprise_install=True))
    assert not covers(ORG, event_for(team_id="T0ANY", enterprise_id="E0OTHER", is_enterprise_install=True))
    assert not covers(ONE, event_for(team_id="T0ANY", enterprise_id="E0ORG", is_enterprise_install=False))
    click = {"type": "block_actions", "team": None, "enterprise": {"id": "E0ORG"}, "user": {"team_id": "T0ANY"}}
    assert covers(ORG, click | {"is_enterprise_install": True})
    assert covers(ONE, click)
    assert not covers(ORG, click | {"enterprise": {"id": "E0OTHER"}})


def test_a_form_that_was_opened_from_a_shared_channel_is_ours() -> None:
    """A view names the workspace where the app is installed beside the one where it was submitted."""
    assert covers(
        TokenScope(TEAM_ID, None, org_wide=False),
        {"type": "view_submission", "team": {"id": FOREIGN}, "view": {"app_installed_team_id": TEAM_ID}},
    )


teams = st.sampled_from([None, TEAM_ID, FOREIGN, "T0OTHER"])


@given(outer=teams, named=st.lists(st.fixed_dictionaries({"team_id": teams}), min_size=1))
def test_an_event_is_foreign_only_if_no_authorization_is_ours(outer: str | None, named: list[dict[str, Any]]) -> None:
    """Whatever the outer team is, the authorizations decide, and one of ours is enough."""
    body: dict[str, Any] = {"type": "event_callback", "team_id": outer, "event": {}, "authorizations": named}
    ours = any(one["team_id"] == TEAM_ID for one in named)
    assert covers(TokenScope(TEAM_ID, None, org_wide=False), body) is ours
