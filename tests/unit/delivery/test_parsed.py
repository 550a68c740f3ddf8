"""What a delivery says of itself once it is parsed: conversation, workspace, content type; and what a control is."""

from __future__ import annotations

import json
import secrets
from urllib.parse import urlencode

import pytest
from anchorbolt.delivery import Control, Delivery, Kind, parse
from anchorbolt.delivery.delivery import FORM, JSON
from anchorbolt.delivery.parse import MOST_FIELDS
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.errors import RefusedError
from anchorbolt.telemetry.redact import redact


def event(**more: object) -> dict[str, object]:
    """An event callback."""
    return {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "channel": "C1"}, **more}


def parsed(payload: dict[str, object]) -> Delivery:
    """A payload as the app sees it when it comes in the form that Slack sends it in."""
    if payload.get("type") == "event_callback":
        found = parse(json.dumps(payload).encode(), JSON)
    elif "command" in payload:
        found = parse(urlencode(payload).encode(), FORM)
    else:
        found = parse(urlencode({"payload": json.dumps(payload)}).encode(), FORM)
    assert isinstance(found, Delivery)
    return found


@pytest.mark.parametrize(
    ("payload", "workspace", "conversation"),
    [
        (event(team_id="T1", enterprise_id="E1"), "T1", "C1"),
        (event(enterprise_id="E1"), "E1", "C1"),
        (event(team={"id": "T1"}), None, "C1"),
        ({"command": "/x", "team_id": "T1", "enterprise_id": "E1", "channel_id": "C2"}, "T1", "C2"),
        ({"type": "new", "team": {"id": "T1"}, "enterprise": {"id": "E1"}, "channel": {"id": "C3"}}, "T1", "C3"),
        ({"type": "new", "team": None, "enterprise": {"id": "E1"}, "user": {"id": "U1"}}, "E1", "U1"),
        ({"type": "new", "team_id": "T1"}, None, None),
    ],
)
def test_where_a_delivery_happened(payload: dict[str, object], workspace: str | None, conversation: str | None) -> None:
    """Its workspace is the one that its payload names, where its kind names it, else the organization."""
    found = parsed(payload)
    assert (found.workspace, found.conversation) == (workspace, conversation)


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if make(kind).family != "control"])
def test_a_delivery_has_the_content_type_that_it_came_with(kind: str) -> None:
    """It is stored beside the body, and says in another process how to read it."""
    sample = make(kind)
    found = parse(sample.body, sample.content_type)
    assert isinstance(found, Delivery)
    assert found.content_type == sample.content_type


@pytest.mark.parametrize("kind", ["url_verification", "ssl_check", "app_rate_limited"])
def test_a_control_request_says_which_it_is_and_what_it_holds(kind: str) -> None:
    """It is answered by its type, and a challenge is in its payload."""
    sample = make(kind)
    found = parse(sample.body, sample.content_type)
    assert isinstance(found, Control)
    assert found.type == kind
    payload = json.loads(sample.body) if sample.content_type == JSON else {"ssl_check": "1"}
    assert payload.items() <= found.payload.items()


def test_the_verification_token_of_a_request_is_secret_from_then_on() -> None:
    """Slack sends the app's verification token in each request: from the first on, no redacted text holds it."""
    token = f"verification{secrets.token_hex(8)}"
    assert token in redact(f"it said {token}")
    parsed(event(token=token))
    assert token not in redact(f"it said {token}")


def test_a_form_has_so_many_fields_at_most() -> None:
    """A form of the most fields is read, and one of a field more is refused before its fields are."""
    fields = ["command=%2Fx", *(f"f{n}=1" for n in range(MOST_FIELDS - 1))]
    found = parse("&".join(fields).encode(), FORM)
    assert isinstance(found, Delivery)
    assert (found.kind, len(found.payload)) == (Kind.COMMAND, MOST_FIELDS)
    with pytest.raises(RefusedError, match="400 bad_form"):
        parse("&".join([*fields, "more=1"]).encode(), FORM)


@pytest.mark.parametrize("challenge", [None, 5, ["x"], "half of a pair: \ud800"])
def test_a_challenge_that_cannot_be_answered_is_refused(challenge: object) -> None:
    """Slack's challenge is sent back as UTF-8: what is no text, or cannot be written so, is refused by its word."""
    with pytest.raises(RefusedError, match="400 bad_challenge"):
        parse(json.dumps({"type": "url_verification", "challenge": challenge}).encode(), JSON)


@pytest.mark.parametrize(
    ("body", "content_type", "word"),
    [
        (b'{"type": "block_actions"}', JSON, "bad_kind"),
        (b'{"type": "event_callback", "event": {}, "event_id": "Ev1"}', JSON, "bad_event"),
        (b'{"type": "event_callback", "event": {"type": "x"}, "event_id": 5}', JSON, "bad_event"),
        (b'{"type": "event_callback", "event": {"type": "x"}, "event_id": ""}', JSON, "bad_event"),
        (b"\xff", JSON, "bad_encoding"),
        (b"[]", JSON, "bad_json"),
        (b'{"type": NaN}', JSON, "bad_json"),
        (b"command=%2Fx&text=a\0b", FORM, "bad_form"),
        (b"text=1", FORM, "bad_form"),
        (b'payload={"type":5}', FORM, "bad_kind"),
        (b'payload={"type":"event_callback"}', FORM, "bad_kind"),
        (b'payload={"type":"shortcut"}', FORM, "bad_payload"),
        (b'payload={"type":"new","user":"U1"}', FORM, "bad_payload"),
        (b'payload={"type":"new","event":[]}', FORM, "bad_payload"),
        (b'payload={"type":"new","authorizations":["x"]}', FORM, "bad_payload"),
        (b'payload={"type":"new","authorizations":{"x":{}}}', FORM, "bad_payload"),
        (b'payload={"type":"new","command":5}', FORM, "bad_payload"),
        (b'payload={"type":"new","team_id":[null]}', FORM, "bad_payload"),
        (b'payload={"type":"block_actions","actions":[{"block_id":5,"action_id":"a"}]}', FORM, "bad_payload"),
        (b'payload={"type":"view_closed","view":5}', FORM, "bad_payload"),
        (b'payload={"type":"view_submission","view":{"type":"modal","callback_id":5}}', FORM, "bad_payload"),
    ],
)
def test_what_slack_would_not_send_is_refused_by_its_word(body: bytes, content_type: str, word: str) -> None:
    """Bolt walks through what is an object in Slack's requests: what is none is a refusal with 400, and no error."""
    with pytest.raises(RefusedError, match=f"^400 {word}"):
        parse(body, content_type)
