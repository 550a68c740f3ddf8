"""A form opens while its trigger_id lives: command, shortcuts and the button of an invitation."""

from typing import Any

import anchorbolt_sample
import pytest
from slack_bolt.async_app import AsyncApp

from tests.unit.sample import samples
from tests.unit.sample.slack import Slack, bolt, dispatch

OPENERS = {
    "command": samples.command("A  desk"),
    "global shortcut": samples.global_shortcut(),
    "message shortcut": samples.message_shortcut(),
    "button": samples.click("request_approval", "A desk"),
}


@pytest.mark.parametrize("body", OPENERS.values(), ids=OPENERS.keys())
async def test_the_form_opens(app: AsyncApp, slack: Slack, body: dict[str, Any]) -> None:
    """The form opens with the request's trigger_id, and the ack has no body."""
    response = await dispatch(app, body)
    assert (response.status, response.body) == (200, "")
    assert slack.methods == ["views.open"]
    assert slack.only("views.open")["trigger_id"] == "1.2.a"


@pytest.mark.parametrize("body", OPENERS.values(), ids=OPENERS.keys())
async def test_a_form_that_does_not_open_is_not_acknowledged(slack: Slack, body: dict[str, Any]) -> None:
    """Where Slack refuses the form, the listener fails before its ack, so that Slack tells the person."""
    slack.answers["views.open"] = {"ok": False, "error": "expired_trigger_id"}
    app = bolt(slack, to_the_end=False)
    anchorbolt_sample.register(app)
    assert (await dispatch(app, body)).status == 500


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (samples.command(" a  desk "), "a desk"),
        (samples.message_shortcut(), "Tom & Jerry need a desk"),
        (samples.click("request_approval", "A desk"), "A desk"),
    ],
    ids=["command", "message shortcut", "button"],
)
async def test_the_form_begins_with_what_was_said(
    app: AsyncApp, slack: Slack, body: dict[str, Any], title: str
) -> None:
    """What the person typed, pointed at or was offered is the form's title."""
    await dispatch(app, body)
    assert slack.only("views.open")["view"]["blocks"][0]["element"]["initial_value"] == title


@pytest.mark.parametrize(
    ("team", "link"),
    [
        (samples.TEAM, "https://acme.slack.com/archives/C1/p1760000001000200"),
        (None, ""),
    ],
    ids=["workspace", "organization"],
)
async def test_the_form_remembers_its_message(
    app: AsyncApp, slack: Slack, team: dict[str, str] | None, link: str
) -> None:
    """The form holds a link to the message, and none where Slack names no workspace."""
    await dispatch(app, samples.message_shortcut(team=team))
    assert f'"link": "{link}"' in slack.only("views.open")["view"]["private_metadata"]
