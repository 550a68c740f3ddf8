"""POST /slack/events: what is refused, in which order, and what a request may take."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.sample import FORM, JSON
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery
from slack_bolt.async_app import AsyncAck, AsyncApp
from structlog.testing import capture_logs

from tests.support.app_in_process import URL, App, app_in_process
from tests.support.waiting import until


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls."""
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def app(slack: Emulator) -> AsyncIterator[App]:
    """The app, without listeners."""
    async with app_in_process(lambda app: None, slack_api_url=slack.api_url, max_body_bytes=1000) as running:
        yield running


def headers_of(body: bytes, content_type: str = JSON, forgery: Forgery | None = None) -> dict[str, str]:
    """The headers of a signed request."""
    return request_headers(Sample("", "", content_type, body), EMULATOR_SECRET, forgery=forgery)


def word(answer: httpx.Response) -> Any:
    """The stable word of a refusal."""
    return json.loads(answer.content)["error"]


async def test_the_order_of_refusals(app: App) -> None:
    """Size, then method, then content type, then signature, then content: each wrong thing hides those after it."""
    large, small = b"x" * 1001, b"no json"
    unsigned = {"content-type": "text/plain"}
    asked = [
        ("GET", large, unsigned, 413, "too_large"),
        ("GET", small, unsigned, 405, "method_not_allowed"),
        ("POST", small, unsigned, 415, "unsupported_content_type"),
        ("POST", small, {"content-type": JSON}, 401, "missing_signature"),
        ("POST", small, headers_of(small), 400, "bad_json"),
    ]
    for method, body, headers, status, expected in asked:
        answer = await app.http.request(method, URL, content=body, headers=headers)
        assert (answer.status_code, word(answer)) == (status, expected)
        assert answer.headers["content-type"] == "application/json"
    assert await app.rows() == 0


async def test_only_post(app: App) -> None:
    """Every other method is 405, and told which one is allowed."""
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]:
        answer = await app.http.request(method, URL)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_the_public_port_has_one_path(app: App) -> None:
    """Everything but /slack/events is 404: no redirect, no documentation, no probe."""
    for path in ["/", "/slack", "/slack/", "/slack/events/", "/docs", "/openapi.json", "/livez", "/drain"]:
        assert (await app.http.post(f"http://app{path}")).status_code == 404
        assert (await app.http.get(f"http://app{path}")).status_code == 404


@pytest.mark.parametrize("content_type", ["Application/JSON", "application/json; charset=utf-8", "application/json;"])
async def test_content_types_as_proxies_write_them(app: App, content_type: str) -> None:
    """Case and parameters of the content type do not matter."""
    sample = make("url_verification")
    answer = await app.http.post(URL, content=sample.body, headers=headers_of(sample.body, content_type))
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"challenge": json.loads(sample.body)["challenge"]}


async def test_a_body_of_undeclared_length(app: App) -> None:
    """Without a declared length, reading stops where the limit is passed: 413, and the rest is not asked for."""
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 100
            yield b"x" * 100

    answer = await app.http.post(URL, content=endless(), headers=headers_of(b"", forgery=Forgery.BAD_SIGNATURE))
    assert (answer.status_code, word(answer)) == (413, "too_large")
    assert answer.headers["connection"] == "close"
    assert given <= 1200


async def test_a_body_of_exactly_the_limit(app: App) -> None:
    """The limit itself is allowed, a byte more is not, declared or in pieces."""
    for size, status in ((1000, 400), (1001, 413)):
        body = b"x" * size

        async def in_pieces(body: bytes = body) -> AsyncIterator[bytes]:
            yield body[:500]
            yield body[500:]

        declared = await app.http.post(URL, content=body, headers=headers_of(body))
        undeclared = await app.http.post(URL, content=in_pieces(), headers=headers_of(body))
        assert (declared.status_code, undeclared.status_code) == (status, status)


async def test_a_body_in_pieces_is_verified_as_a_whole(app: App) -> None:
    """The signature is over the raw bytes, however they arrive."""
    sample = make("url_verification")

    async def in_pieces() -> AsyncIterator[bytes]:
        for at in range(len(sample.body)):
            yield sample.body[at : at + 1]

    answer = await app.http.post(URL, content=in_pieces(), headers=headers_of(sample.body))
    assert answer.status_code == 200


async def test_a_slow_body_is_cut_off(slack: Emulator) -> None:
    """A body that is not there by the deadline is 408, and its place is free again."""

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with app_in_process(slack_api_url=slack.api_url, ack_deadline_seconds=0.1, max_in_flight=1) as app:
        for _ in range(2):
            answer = await app.http.post(URL, content=slow(), headers=headers_of(b""))
            assert (answer.status_code, word(answer)) == (408, "slow_body")


async def test_what_is_not_slacks_costs_nothing(app: App) -> None:
    """A forged request is 401, whatever it says: the signature is checked before anything is parsed."""
    bodies = (make("app_mention").body, b"\xff\xfe", b"{", b"[]", b"")
    for forgery, body, content_type in itertools.product(Forgery, bodies, (JSON, FORM)):
        answer = await app.http.post(URL, content=body, headers=headers_of(body, content_type, forgery))
        assert answer.status_code == 401
    assert await app.rows() == 0


WRONG = [
    (JSON, b"", "bad_json"),
    (JSON, b"{", "bad_json"),
    (JSON, b"[]", "bad_json"),
    (JSON, b'"text"', "bad_json"),
    (JSON, b"null", "bad_json"),
    (JSON, b'{"type": NaN}', "bad_json"),
    (JSON, b"[" * 900, "bad_json"),
    (JSON, b"\xff\xfe", "bad_encoding"),
    (JSON, b"{}", "bad_kind"),
    (JSON, b'{"type": "block_actions"}', "bad_kind"),
    (JSON, b'{"type": "event_callback"}', "bad_event"),
    (JSON, b'{"type": "event_callback", "event": {"type": "x"}}', "bad_event"),
    (JSON, b'{"type": "event_callback", "event": {}, "event_id": "Ev1"}', "bad_event"),
    (JSON, b'{"type": "event_callback", "event": [], "event_id": "Ev1"}', "bad_event"),
    (JSON, b'{"type": "url_verification"}', "bad_challenge"),
    (JSON, b'{"type": "url_verification", "challenge": 5}', "bad_challenge"),
    (FORM, b"", "bad_form"),
    (FORM, b"text=1", "bad_form"),
    (FORM, b"command=", "bad_form"),
    (FORM, b"ssl_check=2", "bad_form"),
    (FORM, b"command=%ff", "bad_form"),
    (FORM, b"a=1&" * 220, "bad_form"),
    (FORM, b"payload=", "bad_json"),
    (FORM, b"payload=[]", "bad_json"),
    (FORM, b"payload={}", "bad_kind"),
    (FORM, b'payload={"type":5}', "bad_kind"),
    (FORM, b'payload={"type":"block_actions"}', "bad_payload"),
    (FORM, b'payload={"type":"block_actions","actions":[]}', "bad_payload"),
    (FORM, b'payload={"type":"block_actions","actions":[5]}', "bad_payload"),
    (FORM, b'payload={"type":"block_actions","actions":[{"action_id":5}]}', "bad_payload"),
    (FORM, b'payload={"type":"interactive_message","callback_id":"x"}', "bad_payload"),
    (FORM, b'payload={"type":"interactive_message","callback_id":"x","actions":{"0":{}}}', "bad_payload"),
    (FORM, b'payload={"type":"interactive_message","callback_id":"x","actions":[]}', "bad_payload"),
    (FORM, b'payload={"type":"view_submission"}', "bad_payload"),
    (FORM, b'payload={"type":"view_submission","view":{"type":"modal","callback_id":5}}', "bad_payload"),
    (FORM, b'payload={"type":"view_submission","view":{"callback_id":"x"}}', "bad_payload"),
    (FORM, b'payload={"type":"view_closed","view":{"callback_id":null}}', "bad_payload"),
    (FORM, b'payload={"type":"workflow_step_edit","callback_id":["x"]}', "bad_payload"),
    (FORM, b'payload={"type":"workflow_step_edit","callback_id":"x"}', "bad_payload"),
    (FORM, b'payload={"type":"shortcut"}', "bad_payload"),
    (FORM, b'payload={"type":"block_suggestion"}', "bad_payload"),
    (FORM, b'payload={"type":"shortcut","callback_id":"x","user":"U1"}', "bad_payload"),
]

# What Bolt compares with a listener's constraint, which may be a pattern: %s is no text.
NAMES = [
    ("bad_kind", '{"type":%s}'),
    ("bad_payload", '{"type":"block_actions","actions":[{"action_id":%s}]}'),
    ("bad_payload", '{"type":"block_actions","actions":[{"action_id":"x"},{"action_id":%s}]}'),
    ("bad_payload", '{"type":"block_actions","actions":[{"action_id":"x","block_id":%s}]}'),
    ("bad_payload", '{"type":"view_submission","view":{"type":"modal","callback_id":%s}}'),
    ("bad_payload", '{"type":"view_closed","view":{"callback_id":%s}}'),
    ("bad_payload", '{"type":"block_suggestion","action_id":%s}'),
    *(
        ("bad_payload", f'{{"type":"{of}","callback_id":%s,"actions":[{{}}],"workflow_step":{{}}}}')
        for of in (
            *("shortcut", "message_action", "interactive_message", "dialog_submission", "dialog_cancellation"),
            *("dialog_suggestion", "workflow_step_edit"),
        )
    ),
    ("bad_payload", '{"type":"unheard_of","command":%s}'),
]
WRONG += [
    (FORM, b"payload=" + (payload % value).encode(), expected)
    for expected, payload in NAMES
    for value in ("5", "true", '["x"]', '{"x":1}')
]


async def test_signed_and_wrong(app: App) -> None:
    """What is signed but lacks what its kind needs is 400 with a stable word, and Slack is asked for no retry."""
    for content_type, body, expected in WRONG:
        answer = await app.http.post(URL, content=body, headers=headers_of(body, content_type))
        assert (answer.status_code, word(answer)) == (400, expected), body
        assert answer.headers["x-slack-no-retry"] == "1"
    assert await app.rows() == 0


async def test_a_name_that_is_not_there_is_no_name(slack: Emulator) -> None:
    """Where Slack may write null, nothing is refused, and no pattern of a listener's meets it."""
    ran: list[str] = []

    def register(app: AsyncApp) -> None:
        @app.action({"block_id": re.compile(".")})
        async def action(ack: AsyncAck) -> None:
            ran.append("action")
            await ack()

        @app.command(re.compile("."))
        async def command(ack: AsyncAck) -> None:
            ran.append("command")
            await ack()

    async with app_in_process(register, slack_api_url=slack.api_url) as app:
        for payload in (
            b'{"type":"block_actions","actions":[{"action_id":"x","block_id":null}]}',
            b'{"type":"unheard_of","command":null}',
        ):
            body = b"payload=" + payload
            answer = await app.http.post(URL, content=body, headers=headers_of(body, FORM))
            assert answer.status_code == 404, payload
    assert ran == []


async def test_half_of_a_surrogate_pair(app: App) -> None:
    """What JSON allows and UTF-8 does not is answered like anything else, never with an error of the server."""
    challenge = b'{"type": "url_verification", "challenge": "\\ud800"}'
    assert (await app.http.post(URL, content=challenge, headers=headers_of(challenge))).status_code == 400
    event = b'{"type": "event_callback", "event_id": "\\ud800", "event": {"type": "\\ud800", "text": "\\ud800"}}'
    assert (await app.http.post(URL, content=event, headers=headers_of(event))).status_code == 200
    await until(lambda: app.parts.worker.running == 0, what="the event has been run")


async def test_too_much_at_once(slack: Emulator) -> None:
    """Over MAX_IN_FLIGHT a request is 503 before any work; a place is free once what took it has ended."""
    go, running = asyncio.Event(), list[int]()

    def register(app: AsyncApp) -> None:
        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack()
            running.append(1)
            await go.wait()

    async with app_in_process(register, slack_api_url=slack.api_url, max_in_flight=2) as app:
        # 1. Two commands go on after their 200, and keep their places.
        for _ in range(2):
            assert (await app.player.send(make("command"))).status == 200
        # 2. So there is none for anybody else, also not for an event.
        for kind in ("command", "app_mention"):
            ack = await app.player.send(make(kind))
            assert (ack.status, ack.body) == (503, b'{"error":"overloaded"}')
        # 3. Once they have ended there is.
        go.set()
        await until(lambda: app.intake.in_flight == 0, what="both have ended")
        assert (await app.player.send(make("app_mention"))).status == 200


async def test_a_place_comes_back_from_every_answer(slack: Emulator) -> None:
    """Whatever a request is answered with, its place is free afterwards."""
    async with app_in_process(slack_api_url=slack.api_url, listeners="anchorbolt_sample", max_in_flight=1) as app:
        for _ in range(2):
            for kind in ("url_verification", "app_mention", "team_join", "view_closed", "block_suggestion"):
                ack = await app.player.send(make(kind))
                assert ack.status == 200, kind
                await until(lambda: app.intake.in_flight == 0, what="its listener has ended")
            for forgery in Forgery:
                assert (await app.player.send(make("command"), forgery=forgery)).status == 401


async def test_a_draining_receiver_refuses(app: App) -> None:
    """After SIGTERM, what still arrives on an old connection is 425, so that a proxy asks another pod."""
    app.intake.closing = True
    ack = await app.player.send(make("app_mention"))
    assert (ack.status, ack.body) == (425, b'{"error":"draining"}')
    assert await app.rows() == 0


async def test_a_defect_of_ours_is_a_503(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody thought of is logged and answered with 503 and a word, never with a bare 500."""

    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("anchorbolt.intake.intake.parse", defect)
    ack = await app.player.send(make("app_mention"))
    assert (ack.status, ack.body) == (503, b'{"error":"internal_error"}')


def deep(depth: int) -> bytes:
    """A click on a button, with something in it that is nested."""
    payload = '{"type":"block_actions","actions":[{"action_id":"x"}],"deep":' + "[" * depth + "]" * depth + "}"
    return urlencode({"payload": payload}).encode()


@pytest.mark.parametrize("depth", [1_000, 100_000], ids=["for Bolt's adapter", "for our own reader"])
async def test_a_payload_that_is_nested_too_deep(depth: int) -> None:
    """What a JSON reader gives up on is the payload's fault: 400, and no defect is logged."""
    body = deep(depth)
    with capture_logs() as lines:
        async with app_in_process(lambda app: None) as app:
            answer = await app.http.post(URL, content=body, headers=headers_of(body, FORM))
    assert answer.status_code == 400
    assert "a request could not be answered" not in [line["event"] for line in lines]


async def test_a_payload_that_is_nested_deep(slack: Emulator) -> None:
    """A payload that is nested far deeper than any of Slack's reaches its listener, and is stored."""
    go, done = asyncio.Event(), list[int]()

    def register(app: AsyncApp) -> None:
        @app.action("x")
        async def action(ack: AsyncAck) -> None:
            await ack()
            await go.wait()
            done.append(1)

    body = deep(300)
    async with app_in_process(register, slack_api_url=slack.api_url) as app:
        answer = await app.http.post(URL, content=body, headers=headers_of(body, FORM))
        assert answer.status_code == 200
        assert await app.rows() == 1
        go.set()
        await until(lambda: app.intake.in_flight == 0, what="the action has ended")
    assert done == [1]
