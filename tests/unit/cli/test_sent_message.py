"""What `send` sends as a message is in the emulator's conversation, because agents read their thread."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from anchorbolt.cli.sent_message import tell
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.requests import build
from anchorbolt.emulator.samples import make
from slack_sdk.web.async_client import AsyncWebClient


async def replies(slack: Emulator, ts: str) -> list[dict[str, Any]]:
    """A thread of C0GENERAL."""
    found = await AsyncWebClient("xoxb-1", base_url=slack.api_url).conversations_replies(channel="C0GENERAL", ts=ts)
    return found["messages"]  # type: ignore[no-any-return] # the SDK has no type here


async def test_a_message_and_its_reply_are_in_the_thread() -> None:
    """A mention begins a thread with its text and its user, and a message with `thread_ts` is the next in it."""
    async with Emulator() as slack, httpx.AsyncClient() as http:
        first, second = "1700000000.000100", "1700000001.000100"
        await tell(http, slack.url, build({"event": "app_mention", "text": "hi", "ts": first}))
        await tell(http, slack.url, build({"event": "message", "text": "and", "ts": second, "thread_ts": first}))
        found = await replies(slack, first)
    assert [(one["type"], one["text"], one["user"]) for one in found] == [
        ("message", "hi", "U0ADA"),
        ("message", "and", "U0ADA"),
    ]


@pytest.mark.parametrize("kind", ["command", "reaction_added", "block_actions", "app_home_opened"])
async def test_what_is_no_message_is_not_told(kind: str) -> None:
    """Nothing is asked of the emulator for any other request."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        await tell(http, "http://nowhere/", make(kind))


async def test_without_an_emulator_nothing_happens() -> None:
    """With the real Slack there is no emulator, and the request is sent all the same."""

    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with httpx.AsyncClient(transport=httpx.MockTransport(gone)) as http:
        await tell(http, "http://nowhere/", make("app_mention"))


@pytest.mark.parametrize("body", ["{}", "no JSON", '{"channel": "C1", "message": {"ts": "x"}}'])
async def test_what_is_no_message_is_refused_by_the_emulator(body: str) -> None:
    """Without a channel, or with a `ts` that is none, the answer is 400, and nothing is stored."""
    async with Emulator() as slack, httpx.AsyncClient() as http:
        assert (await http.post(f"{slack.url}messages", content=body)).status_code == 400
