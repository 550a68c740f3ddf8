"""Pods of an app that is installed by OAuth: a token that has expired, and workspaces that leave."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.scene import TEAM_ID, Scene
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.workspaces.installation import Installation, Token
from anchorbolt.workspaces.installations import Installations
from sqlalchemy.engine import make_url

from tests.integration.pods.conftest import Slack, StartPods
from tests.support.rotating_slack import RotatingSlack, rotating_slack
from tests.support.rotation_pod import KEYS

EVENTS = 50


@pytest.fixture
async def rotating() -> AsyncIterator[RotatingSlack]:
    """Slack's side of the tokens."""
    async with rotating_slack() as rotating:
        rotating.valid = {"xoxe-old": "bot"}
        yield rotating


@asynccontextmanager
async def table(database: str) -> AsyncIterator[tuple[Inbox, Installations]]:
    """The installations, from outside of the pods."""
    address = make_url(database)
    inbox = Inbox(PostgresqlDatabase(address, listen_url=address), lease_seconds=15)
    await inbox.open()
    yield inbox, Installations(inbox.database.dialect, KEYS)
    await inbox.close()


def settings(rotating: RotatingSlack) -> dict[str, str]:
    """Installed by OAuth, on that Slack."""
    return {
        "SLACK_API_URL": rotating.url,
        "SLACK_BOT_TOKEN": "",
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "of-the-app",
        "SLACK_SCOPES": "chat:write",
        "PUBLIC_URL": "https://app.example.com",
        "TOKEN_KEYS": base64.b64encode(b"k" * 32).decode(),
    }


async def test_fifty_events_in_three_pods_with_an_expired_token_make_one_refresh(
    start_pods: StartPods, slack: Slack, database: str, rotating: RotatingSlack
) -> None:
    """None is lost, each runs once, and each calls Slack with the new token."""
    async with table(database) as (inbox, installations):
        expired = Installation(TEAM_ID, Token("xoxe.xoxb-old", "xoxe-old", time.time() - 1))
        await inbox.store.transact(lambda c: installations.save(c, expired))
    pods = await start_pods(3, **settings(rotating))
    sent = [slack.event(pods[n % 3], f"n={n} api=users.info", lane=n) for n in range(EVENTS)]
    acks = await asyncio.gather(*sent)
    assert all(ack.ok for ack in acks)

    log = pods.listener_log
    await log.until_said("done", EVENTS)
    assert set(log.counts("done").values()) == {1}
    assert rotating.asked == ["xoxe-old"]
    assert rotating.calls == EVENTS * [("users.info", "xoxe.xoxb-1-of-xoxe-old")]


def left(event_id: str) -> Sample:
    """The app was uninstalled, just now."""
    sample = make("app_mention", Scene())
    body = {**json.loads(sample.body), "event_id": event_id, "event": {"type": "app_uninstalled"}}
    return replace(sample, body=json.dumps(body).encode())


async def test_a_late_uninstallation_leaves_a_fresh_installation_and_a_true_one_removes_it(
    start_pods: StartPods, slack: Slack, database: str, rotating: RotatingSlack
) -> None:
    """The listener of the event runs both times, without a call of Slack; the event's own time decides what goes."""
    pods = await start_pods(1, **settings(rotating))
    async with table(database) as (inbox, installations):
        for n, seconds, is_left in ((1, 3600, True), (2, -3600, False)):
            there = Installation(TEAM_ID, Token("xoxb-1"), installed_at=time.time() + seconds)
            await inbox.store.transact(lambda c, there=there: installations.save(c, there))
            assert (await slack.send(pods[0], left(f"EvLEFT{n}"))).ok
            await pods.listener_log.until_said("done", n)
            found = await inbox.store.transact(installations.all)
            assert [one.workspace for one in found] == ([TEAM_ID] if is_left else [])
    assert rotating.calls == []
