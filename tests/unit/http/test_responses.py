"""What a listener's own answer becomes."""

from __future__ import annotations

import json

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.http.responses import checked
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from starlette.responses import Response
from structlog.testing import capture_logs

from tests.support.app_in_process import app_in_process


def test_what_is_a_listeners_to_say() -> None:
    """Status, body and headers of a response are a listener's; its length, and what becomes of the connection, ours."""
    headers = {"X-Own": "1", "Content-Length": "1", "Transfer-Encoding": "chunked", "Connection": "close"}
    found = checked(Response("four", 201, headers))
    assert (found.status_code, found.body) == (201, b"four")
    assert sorted(found.raw_headers) == [(b"content-length", b"4"), (b"x-own", b"1")]


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_that_has_no_body(status: int) -> None:
    """A body that HTTP does not allow is left away, with its length."""
    found = checked(Response("four", status))
    assert (found.raw_headers, found.body) == ([], b"")


@pytest.mark.parametrize(
    ("status", "headers"),
    [(200, {"x-own": "a\r\nx-more: b"}), (200, {"x own": "1"}), (100, {}), (199, {}), (600, {}), (0, {})],
)
async def test_an_answer_that_is_no_http(status: int, headers: dict[str, str]) -> None:
    """Slack is told of a failure, and the log says what was wrong: nothing of it is written to the connection."""

    def register(app: AsyncApp) -> None:
        @app.middleware
        async def answer_at_once() -> BoltResponse:
            return BoltResponse(status=status, body="", headers=dict(headers))

    with capture_logs() as lines:
        async with Emulator() as slack, app_in_process(register, slack_api_url=slack.api_url) as app:
            ack = await app.player.send(make("command"))
    assert (ack.status, json.loads(ack.body)) == (503, {"error": "listener_failed"})
    assert "no response" in [line["event"] for line in lines]
