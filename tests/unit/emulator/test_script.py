"""A scripted answer comes as often as it was asked for, in the shape that slack_sdk's retry handlers know."""

from __future__ import annotations

from typing import Any

import aiohttp
import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.script import Line, Script
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler, AsyncServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient


async def script(slack: Emulator, **line: Any) -> httpx.Response:
    """Posts one line to the emulator."""
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as client:
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
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as client:
        assert (await client.get("/script")).json()["waiting"][0]["times"] is None
        assert (await client.delete("/script")).status_code == 204
    assert (await web.auth_test())["ok"]


@pytest.mark.parametrize(
    "line", [{"times": 0}, {"status": 99}, {"retries": 3}, {"delay_seconds": 3600}, {"no_answer": "maybe"}]
)
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


async def test_a_connection_is_closed_without_an_answer(slack: Emulator, web: AsyncWebClient) -> None:
    """A lost connection is an error of the connection for the caller, and nothing was posted."""
    web.retry_handlers.clear()  # by default the SDK calls once more where the connection was lost
    await script(slack, method="chat.postMessage", no_answer="close")
    with pytest.raises(aiohttp.ClientConnectionError):
        await web.chat_postMessage(channel="C1", text="x")
    assert [call.status for call in slack.calls.since()] == [0]
    assert (await web.conversations_history(channel="C1"))["messages"] == []


async def test_an_answer_is_lost_after_the_call_was_performed(slack: Emulator, web: AsyncWebClient) -> None:
    """The worst case for a caller: it knows of no answer, and the message is there."""
    web.retry_handlers.clear()
    await script(slack, method="chat.postMessage", no_answer="close", performed=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await web.chat_postMessage(channel="C1", text="x")
    assert [message["text"] for message in (await web.conversations_history(channel="C1"))["messages"]] == ["x"]


async def test_an_answer_that_never_comes_ends_with_the_caller_s_patience(slack: Emulator) -> None:
    """A caller that waits in vain gives up, and its next call is answered."""
    await script(slack, method="auth.test", no_answer="timeout")
    async with httpx.AsyncClient(headers={"authorization": "Bearer xoxb-1"}, verify=False) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{slack.api_url}auth.test", timeout=0.3)
        assert (await client.post(f"{slack.api_url}auth.test")).json()["ok"]


async def test_a_server_error_is_no_json(slack: Emulator) -> None:
    """A status alone is a broken server, and a 429 by status has its Retry-After."""
    await script(slack, method="auth.test", status=500)
    await script(slack, method="auth.test", status=429, retry_after_seconds=9)
    async with httpx.AsyncClient(headers={"authorization": "Bearer xoxb-1"}, verify=False) as client:
        broken = await client.post(f"{slack.api_url}auth.test")
        limited = await client.post(f"{slack.api_url}auth.test")
    assert (broken.status_code, broken.text) == (500, "upstream error")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "9")
