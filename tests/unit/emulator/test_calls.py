"""Calls are kept up to a bound, counted beyond it, and told without secrets."""

from __future__ import annotations

import httpx
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.emulator import Emulator
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient


def test_the_newest_calls_are_kept_and_all_are_counted() -> None:
    """A ring of two keeps the last two of three calls and counts three."""
    calls = Calls(kept=2)
    for text in ("one", "two", "three"):
        calls.note("chat.postMessage", {"text": text}, 200, {"ok": True}, 0.0)
    assert [call.arguments["text"] for call in calls.since()] == ["two", "three"]
    assert calls.count == 3
    assert calls.by_method == {"chat.postMessage": 3}


def test_calls_are_read_from_a_number_on() -> None:
    """A reader who remembers the last number sees only what came after it, of the method it asks for."""
    calls = Calls()
    for method in ("auth.test", "views.open", "auth.test"):
        calls.note(method, {}, 200, {"ok": True}, 0.0)
    assert [call.number for call in calls.since(1)] == [2, 3]
    assert [call.number for call in calls.since(1, "auth.test")] == [3]


async def test_calls_are_read_over_http_without_secrets(slack: Emulator, web: AsyncWebClient) -> None:
    """The list of calls tells method, arguments and answer, and no token, however deep it lies."""
    # 1. A call with tokens in its arguments, by name and by look.
    blocks = [{"type": "section", "text": "xoxb-look"}]
    await web.api_call(
        "chat.postMessage", json={"channel": "C1", "text": "hi", "bot_access_token": "abc", "blocks": blocks}
    )
    # 2. Read: what is no secret is there, what is one is not.
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as client:
        read = await client.get("/calls")
    (call,) = read.json()["calls"]
    assert call["arguments"]["text"] == "hi"
    assert call["arguments"]["bot_access_token"] == call["arguments"]["blocks"][0]["text"] == "[redacted]"
    assert "xoxb" not in read.text
    assert call["answer"]["ok"] is True
    assert read.json()["by_method"] == {"chat.postMessage": 1}


async def test_calls_are_forgotten_when_asked(slack: Emulator, web: AsyncWebClient) -> None:
    """After DELETE there are no calls, and numbers go on from where they were."""
    await web.auth_test()
    async with httpx.AsyncClient(base_url=slack.url, verify=False) as client:
        assert (await client.delete("/calls")).status_code == 204
        assert (await client.get("/calls")).json()["calls"] == []
        await web.auth_test()
        assert [call["number"] for call in (await client.get("/calls?since=1")).json()["calls"]] == [2]
        assert (await client.get("/calls?since=yesterday")).status_code == 400


async def test_a_post_to_a_response_url_is_a_call(slack: Emulator) -> None:
    """What a listener says by response_url is told beside its Web API calls, without its secret address."""
    answer = await AsyncWebhookClient(f"{slack.url}response/command/secret").send(text="done")
    assert answer.status_code == 200
    (call,) = slack.calls.since()
    assert (call.method, call.arguments["text"]) == ("response_url", "done")
    assert "secret" not in str(call.public())
