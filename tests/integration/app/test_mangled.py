"""Requests that Slack would never send, by the thousand: refused, and nothing else happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.emulator.samples.sample import FORM, JSON
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.app_in_process import URL, App, app_in_process
from tests.support.listener_log import ListenerLog
from tests.support.listeners import LOG_VARIABLE

ROUNDS = settings(
    max_examples=300,
    deadline=None,
    # The app is the same for all examples on purpose: what one leaves behind must not hurt the next.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# What a signed request may be answered with, whatever is in it.
CALM = {200, 400, 404, 415}

BODIES = [make(kind).body for kind in SAMPLES]
TYPES = [JSON, FORM, "application/json; charset=utf-8", "text/plain", "multipart/form-data; boundary=x", ""]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", "\0", "payload"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def cut_and_pasted(draw: st.DrawFn) -> bytes:
    """A real body with some of it gone, doubled, or replaced by other bytes."""
    body = bytearray(draw(st.sampled_from(BODIES)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        until = draw(st.integers(at, min(len(body), at + 40)))
        body[at:until] = draw(
            st.binary(max_size=12) | st.sampled_from([b"\xff", b"%", b"%00", b"\0", b'"', b"{", b"&"])
        )
    return bytes(body)


@st.composite
def with_other_values(draw: st.DrawFn) -> tuple[str, bytes]:
    """A payload of any type, in which some values are not what their names promise."""
    kinds = ["event_callback", "block_actions", "view_submission", "view_closed", "block_suggestion", "shortcut"]
    kinds += ["message_action", "url_verification", "app_rate_limited", "interactive_message", "dialog_submission"]
    payload: dict[str, Any] = {"type": draw(st.sampled_from(kinds) | json_values)}
    names = ["event", "event_id", "challenge", "actions", "view", "user", "team", "channel", "trigger_id", "api_app_id"]
    names += [
        "authorizations",
        "callback_id",
        "action_id",
        "container",
        "enterprise",
        "team_id",
        "is_enterprise_install",
    ]
    for name in draw(st.lists(st.sampled_from(names), max_size=8, unique=True)):
        payload[name] = draw(json_values)
    text = json.dumps(payload)
    if payload["type"] == "event_callback" or draw(st.booleans()):
        return JSON, text.encode()
    return FORM, urlencode({"payload": text}).encode()


class Shared:
    """One app and one loop for all examples of a test."""

    def __init__(self, log: ListenerLog) -> None:
        self.log = log
        self.runner = asyncio.Runner()
        self._parts = AsyncExitStack()
        self.app: App = self.runner.run(self._start())

    async def _start(self) -> App:
        slack = await self._parts.enter_async_context(Emulator())
        return await self._parts.enter_async_context(app_in_process(slack_api_url=slack.api_url))

    def close(self) -> None:
        """Ends both."""
        self.runner.run(self._parts.aclose())
        self.runner.close()

    def send(self, content_type: str, body: bytes, forgery: Forgery | None = None) -> tuple[int, bytes]:
        """Status and body of the answer to one request."""
        headers = request_headers(Sample("", "", content_type, body), EMULATOR_SECRET, forgery=forgery)
        answer = self.runner.run(self.app.http.post(URL, content=body, headers=headers))
        return answer.status_code, answer.content

    def rows(self) -> int:
        """How many deliveries are stored."""
        return self.runner.run(self.app.rows())


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    """The app, with listeners that take everything."""
    log = ListenerLog(tmp_path)
    monkeypatch.setenv(LOG_VARIABLE, log.environment[LOG_VARIABLE])
    of_the_test = Shared(log)
    yield of_the_test
    of_the_test.close()


@ROUNDS
@given(
    body=cut_and_pasted() | st.binary(max_size=200),
    content_type=st.sampled_from(TYPES),
    forgery=st.sampled_from(list(Forgery)),
)
def test_unsigned_requests_reach_nobody(shared: Shared, body: bytes, content_type: str, forgery: Forgery) -> None:
    """Whatever Slack did not sign is 401, or 415 for its content type: no listener runs, no row is written."""
    status, answer = shared.send(content_type, body, forgery)
    assert status in {401, 415}
    assert isinstance(json.loads(answer)["error"], str)
    assert shared.rows() == 0
    assert shared.log.entries() == []


@ROUNDS
@given(body=st.binary(max_size=200) | st.builds(lambda value: json.dumps(value).encode(), json_values))
def test_signed_junk_is_refused(shared: Shared, body: bytes) -> None:
    """What is signed but no payload of Slack's is 400 with a word: no listener runs, no row is written."""
    for content_type in (JSON, FORM):
        status, answer = shared.send(content_type, body)
        assert status == 400
        assert isinstance(json.loads(answer)["error"], str)
    assert shared.rows() == 0
    assert shared.log.entries() == []


@ROUNDS
@given(body=cut_and_pasted(), content_type=st.sampled_from(TYPES))
def test_a_damaged_body_is_never_a_500(shared: Shared, body: bytes, content_type: str) -> None:
    """A real body that was damaged, and signed all the same, is taken or refused, never an error of the server."""
    status, _ = shared.send(content_type, body)
    assert status in CALM


@ROUNDS
@given(request=with_other_values())
def test_a_payload_with_other_values_is_never_a_500(shared: Shared, request: tuple[str, bytes]) -> None:
    """A payload whose values are not what their names promise is taken or refused, never an error of the server."""
    status, _ = shared.send(*request)
    assert status in CALM
