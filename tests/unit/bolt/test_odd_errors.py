"""A listener that dies of something that is no Exception has failed, like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import orjson
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.sample import FORM
from anchorbolt.emulator.signing import EMULATOR_SECRET
from slack_bolt.async_app import AsyncAck, AsyncApp

from tests.support.app_in_process import URL, app_in_process


class OddError(BaseException):
    """What some libraries raise so that `except Exception` lets it through."""


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls."""
    async with Emulator() as emulator:
        yield emulator


@pytest.mark.parametrize("kind", ["app_mention", "command"])
async def test_what_was_acknowledged_is_a_dead_letter(slack: Emulator, kind: str) -> None:
    """After the ack it is stored as a failed attempt with its name, and not called done."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mention() -> None:
            raise OddError

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()
            raise OddError

    async with app_in_process(register, slack_api_url=slack.api_url, max_attempts=1) as app:
        sample = make(kind)
        assert (await app.player.send(sample)).status == 200
        row = await app.until_ended(sample.key)
    assert (row.state, row.error) == ("dead", "RunError: OddError was raised")


async def test_before_the_ack_slack_is_told_at_once(slack: Emulator) -> None:
    """A command whose listener dies so is answered with listener_failed, and not at the deadline."""

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command() -> None:
            raise OddError

    async with app_in_process(register, slack_api_url=slack.api_url, ack_deadline_seconds=2.9) as app:
        ack = await app.player.send(make("command"))
    assert (ack.status, orjson.loads(ack.body)) == (503, {"error": "listener_failed"})


@pytest.mark.parametrize("type_", ["event_callback", "url_verification", "app_rate_limited"])
async def test_what_comes_as_json_only_is_refused_in_a_form(slack: Emulator, type_: str) -> None:
    """A signed form that calls itself an event is refused (400), and does not reach Bolt as an interaction."""
    body = urlencode({"payload": orjson.dumps({"type": type_, "actions": [{"action_id": "x"}]}).decode()}).encode()
    async with app_in_process(lambda app: None, slack_api_url=slack.api_url) as app:
        headers = request_headers(Sample("", "", FORM, body), EMULATOR_SECRET)
        answer = await app.http.post(URL, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_kind"})
