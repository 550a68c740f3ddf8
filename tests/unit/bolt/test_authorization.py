"""Authorization: `auth.test` once for a token, and a refusal that nobody can mistake for an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import as_json
from anchorbolt.emulator.scene import TEAM_ID
from anchorbolt.emulator.script import Line
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from tests.unit.bolt.conftest import AppWith

METHOD = "auth.test"


def mentions(said: list[str | None]) -> Callable[[AsyncApp], None]:
    """A listener that notes who the bot is."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned(context: AsyncBoltContext) -> None:
            said.append(context.bot_user_id)

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()

    return register


async def test_once_for_many(app_with: AppWith, slack: Emulator) -> None:
    """Twenty deliveries at once, and one later, ask Slack once who we are, and all of them know."""
    said: list[str | None] = []
    async with app_with(mentions(said)) as app:
        acks = await asyncio.gather(*(app.player.send(make("app_mention")) for _ in range(20)))
        for ack in [*acks, await app.player.send(make("app_mention"))]:
            await app.until_ended(ack.sample.key)
    assert len(said) == 21
    assert None not in said
    assert slack.calls.by_method[METHOD] == 1


async def test_a_refusal_is_an_attempt(app_with: AppWith, slack: Emulator) -> None:
    """An event whose authorization fails is tried again, and done when Slack is well again."""
    slack.script.add(Line(method=METHOD, error="internal_error", times=2))
    said: list[str | None] = []
    async with app_with(mentions(said)) as app:
        ack = await app.player.send(make("app_mention"))
        assert ack.status == 200
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts) == ("done", 3)


async def test_a_refusal_is_no_answer_to_a_user(app_with: AppWith, slack: Emulator) -> None:
    """A command whose authorization fails is a 503, not a 200 with excuses."""
    slack.script.add(Line(method=METHOD, error="internal_error"))
    async with app_with(mentions([])) as app:
        assert (await app.player.send(make("command"))).status == 503
        assert (await app.player.send(make("command"))).status == 200


async def test_a_token_that_is_gone_is_said(app_with: AppWith, slack: Emulator) -> None:
    """What Slack says of a bad token is in the dead letter, with what to look at."""
    slack.script.add(Line(method=METHOD, error="invalid_auth", times=None))
    async with app_with(mentions([]), max_attempts=2) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
        assert row.state == "dead"
        assert "invalid_auth: look at SLACK_BOT_TOKEN" in row.error


async def test_slack_that_is_down_is_no_refusal(app_with: AppWith, slack: Emulator) -> None:
    """A page that is no JSON is told as what it is: nobody is sent to look at a token that is good."""
    slack.script.add(Line(method=METHOD, status=502, times=None))
    async with app_with(mentions([]), max_attempts=1) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
    assert row.state == "dead"
    assert row.error.startswith("SlackApiError: ")
    assert "502" in row.error


async def test_slack_that_asks_to_be_left_alone(app_with: AppWith, slack: Emulator) -> None:
    """An auth.test that is rate limited says nothing of the token: it waits at the gate, and is no failed attempt."""
    slack.script.add(Line(method=METHOD, error="ratelimited", retry_after_seconds=1, times=2))
    async with app_with(mentions([])) as app:
        ack = await app.player.send(make("app_mention"))
        row = await app.until_ended(ack.sample.key)
        assert (row.state, row.attempts) == ("done", 1)
    first, second, third = (call.at for call in slack.calls.since(method=METHOD))
    assert second - first >= 1
    assert third - second >= 1


async def test_slack_is_slow(app_with: AppWith, slack: Emulator) -> None:
    """While auth.test hangs, no command waits longer for those before it: each is answered by its own deadline."""
    slack.script.add(Line(method=METHOD, delay_seconds=1, times=1))
    async with app_with(mentions([]), ack_deadline_seconds=0.3) as app:
        acks = await asyncio.gather(*(app.player.send(make("command")) for _ in range(5)))
        assert {ack.status for ack in acks} == {503}
        # Those that stopped waiting took the answer from nobody.
        event = await app.player.send(make("app_mention"))
        assert (await app.until_ended(event.sample.key)).state == "done"
    assert slack.calls.by_method[METHOD] == 1


async def test_what_the_bot_did_itself_runs_nothing(app_with: AppWith) -> None:
    """An event about a message of the bot's own is done, and reaches no listener."""
    said: list[str | None] = []
    async with app_with(mentions(said)) as app:
        first = await app.player.send(make("app_mention"))
        await app.until_ended(first.sample.key)
        payload = json.loads(make("app_mention").body)
        payload["event"]["user"] = said[0]
        own = as_json("app_mention", "event", payload, f"{payload['api_app_id']}:{payload['event_id']}")
        assert (await app.player.send(own)).status == 200
        assert (await app.until_ended(own.key)).state == "done"
    assert len(said) == 1


@pytest.mark.parametrize("of", ["app_uninstalled", "tokens_revoked"])
async def test_the_end_of_an_installation_needs_no_auth_test(app_with: AppWith, slack: Emulator, of: str) -> None:
    """An event that ends an installation reaches its listener in a process that never had a successful auth.test, and
    no auth.test is made for it."""
    slack.script.add(Line(method=METHOD, error="account_inactive", times=None))
    ran: list[str | None] = []

    def register(app: AsyncApp) -> None:
        @app.event(of)
        async def gone(context: AsyncBoltContext) -> None:
            ran.append(context.team_id)

    async with app_with(register) as app:
        sample = make("app_mention")
        payload = json.loads(sample.body) | {"event": {"type": of, "tokens": {"bot": ["U0ANCHBOT"]}}}
        await app.player.send(as_json(of, "event", payload, sample.key))
        row = await app.until_ended(sample.key)
    assert (row.state, row.attempts) == ("done", 1)
    assert ran == [TEAM_ID]
    assert slack.calls.by_method[METHOD] == 0
