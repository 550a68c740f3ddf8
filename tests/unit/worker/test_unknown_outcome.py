"""A call of Slack's Web API that may have happened: it is tried less often, as each attempt may do it once more."""

from __future__ import annotations

import aiohttp
import pytest
from anchorbolt.inbox.lease import End
from anchorbolt.worker.transient import Kind, kind_of
from anchorbolt.worker.verdict import MOST_UNKNOWN_OUTCOMES, judge
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.canned_server import CLOSED, answer, canned_server
from tests.unit.worker.test_verdict import LIMITS


async def called(method: str, *answers: bytes) -> Exception:
    """What slack_sdk raises for a call of this method to a server that answers so."""
    async with canned_server(list(answers)) as server:
        client = AsyncWebClient("xoxb-1", base_url=server.url, retry_handlers=[])
        with pytest.raises((aiohttp.ClientError, SlackApiError)) as caught:
            await client.api_call(method)
    return caught.value


def no(word: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer of Slack's that is not ok."""
    return answer(b'{"ok": false, "error": "%s"}' % word, status=status)


@pytest.mark.parametrize(
    ("method", "answered", "kind"),
    [
        ("chat.postMessage", CLOSED, Kind.UNKNOWN_OUTCOME),
        ("brand.newMethod", CLOSED, Kind.UNKNOWN_OUTCOME),
        ("conversations.history", CLOSED, Kind.TRANSIENT),
        ("chat.postMessage", no(b"service_unavailable", b"503 Away"), Kind.TRANSIENT),
        ("chat.postMessage", no(b"ratelimited"), Kind.TRANSIENT),
        ("chat.postMessage", no(b"channel_not_found"), Kind.PERMANENT),
    ],
)
async def test_a_call_without_an_answer_may_have_happened(method: str, answered: bytes, kind: Kind) -> None:
    """Unless Slack said no, or the call only reads; also where the team's own error was raised from it."""
    error = await called(method, answered)
    assert kind_of(error) is kind
    around = RuntimeError("ours")
    around.__cause__ = error
    assert kind_of(around) is kind
    assert kind_of(ExceptionGroup("both", [TimeoutError(), error])) is kind


async def test_how_often_it_is_tried() -> None:
    """Fewer times than what has certainly not happened, and the reason is in the verdict."""
    error = await called("chat.postMessage", CLOSED)
    verdicts = [judge(error, attempt, LIMITS) for attempt in range(1, MOST_UNKNOWN_OUTCOMES + 1)]
    assert [one.end for one in verdicts] == [End.RETRY] * (MOST_UNKNOWN_OUTCOMES - 1) + [End.DEAD]
    assert {one.reason for one in verdicts} == {"unknown_outcome"}


async def test_a_call_that_did_not_reach_slack_has_not_happened() -> None:
    """The connection was refused, so that the next attempt does it for the first time."""
    client = AsyncWebClient("xoxb-1", base_url="http://127.0.0.1:1/api/", retry_handlers=[])
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await client.api_call("chat.postMessage")
    assert kind_of(caught.value) is Kind.TRANSIENT
