"""A scripted answer comes as often as it was asked for, in the shape that slack_sdk's retry handlers know."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.script import Line, Script
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler, AsyncServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient


async def script(slack: Emulator, **line: Any) -> httpx.Response:
    """Posts one line to the emulator."""
    async with httpx.AsyncClient(base_url=slack.url) as client:
        return await client.post("/script", json=line)


async def test_an_error_comes_as_often_as_asked(slack: Emulator, web: AsyncWebClient) -> None:
    """A method fails twice with Slack's word for it, and others do not fail."""
    assert (await script(slack, method="chat.postMessage", error="channel_not_found", times=2)).status_code == 201
    await web.auth_test()
    for _ in range(2):
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await web.chat_postMessage(channel="C1", text="x")
    assert (await web.chat_postMessage(channel="C1", text="x"))["ok"]


async def test_ratelimited_tells_when_to_come_again(slack: Emulator, web: AsyncWebClient) -> None:
    """A rate limit is a 429 with Retry-After, which slack_sdk's handler waits for and then succeeds."""
    # 1. Without a handler the caller sees the limit and its seconds.
    await script(slack, method="auth.test", error="ratelimited", retry_after_seconds=7)
    with pytest.raises(SlackApiError) as caught:
        await web.auth_test()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    # 2. With a handler the second call is the good one.
    web.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await script(slack, method="auth.test", error="ratelimited", retry_after_seconds=0)
    assert (await web.auth_test())["ok"]


async def test_a_broken_server_is_retried_by_the_sdk(slack: Emulator, web: AsyncWebClient) -> None:
    """A 503 without JSON is a failure that slack_sdk's server-error handler mends."""
    web.retry_handlers.append(AsyncServerErrorRetryHandler(max_retry_count=1))
    await script(slack, method="*", status=503)
    assert (await web.auth_test())["ok"]
    assert [call.status for call in slack.calls.since()] == [503, 200]


async def test_a_delay_alone_changes_no_answer(slack: Emulator, web: AsyncWebClient) -> None:
    """A delayed call ends as it would have, and the line is used up."""
    await script(slack, method="auth.test", delay_seconds=0.01)
    assert (await web.auth_test())["ok"]
    assert slack.script.waiting() == []


async def test_a_line_without_an_end_stays_until_cleared(slack: Emulator, web: AsyncWebClient) -> None:
    """With times null a method fails until the script is deleted."""
    await script(slack, method="auth.test", error="invalid_auth", times=None)
    for _ in range(3):
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await web.auth_test()
    async with httpx.AsyncClient(base_url=slack.url) as client:
        assert (await client.get("/script")).json()["waiting"][0]["times"] is None
        assert (await client.delete("/script")).status_code == 204
    assert (await web.auth_test())["ok"]


@pytest.mark.parametrize("line", [{"times": 0}, {"status": 99}, {"retries": 3}, {"delay_seconds": 3600}])
async def test_a_line_that_makes_no_sense_is_refused(slack: Emulator, line: dict[str, Any]) -> None:
    """A misspelt or impossible line is a 400 and is not played."""
    assert (await script(slack, **line)).status_code == 400
    assert slack.script.waiting() == []


def test_lines_are_played_in_their_order() -> None:
    """The first line that fits a method is played first, and its times are counted down."""
    lines = Script()
    lines.add(Line(method="a", error="one", times=2))
    lines.add(Line(error="any"))
    assert [found.error for found in map(lines.next_for, ["a", "b", "a"]) if found] == ["one", "any", "one"]
    assert lines.next_for("a") is None
