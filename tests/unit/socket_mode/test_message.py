"""What Slack says over a connection is read as what it would have posted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anchorbolt.delivery import Delivery, Kind, parse
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.socket_mode.envelope import envelope
from anchorbolt.errors import RefusedError
from anchorbolt.socket_mode.message import Disconnect, Envelope, Hello, read

OVER_SOCKETS = [kind for kind in SAMPLES if make(kind).family != "control"]


def read_envelope(message: dict[str, Any]) -> Envelope:
    """The message, which is an envelope."""
    found = read(json.dumps(message))
    assert isinstance(found, Envelope)
    return found


@pytest.mark.parametrize("kind", OVER_SOCKETS)
def test_a_delivery_is_the_same_by_both_transports(kind: str) -> None:
    """Kind, type, key, conversation, lane, content type and payload do not tell by which transport a request came."""
    sample = make(kind)
    posted = parse(sample.body, sample.content_type)
    received = read_envelope(envelope(sample))
    sent = parse(received.body, received.content_type)
    assert isinstance(posted, Delivery)
    assert isinstance(sent, Delivery)
    random_key = posted.kind is not Kind.EVENT and "trigger_id" not in posted.payload
    for name in ("kind", "type", "conversation", "content_type", "payload", *(() if random_key else ("key", "lane"))):
        assert getattr(sent, name) == getattr(posted, name), name


def test_a_retry_tells_its_number_and_reason() -> None:
    """The first delivery is no retry, whatever empty fields it has; a retry says which it is, and why."""
    sample = make("message")
    first = read_envelope(envelope(sample))
    again = read_envelope(envelope(sample, retry_attempt=2, retry_reason="timeout"))
    assert (first.retry_num, first.retry_reason) == (0, None)
    assert (again.retry_num, again.retry_reason) == (2, "timeout")


def test_hello_and_disconnect() -> None:
    """A greeting tells how many connections there are; a disconnect tells Slack's own word for why."""
    assert read('{"type":"hello","num_connections":3}') == Hello(3)
    assert read('{"type":"disconnect","reason":"refresh_requested"}') == Disconnect("refresh_requested")
    assert read('{"type":"disconnect"}') == Disconnect("unknown")


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "null", "{}", '{"type":"news"}', '{"type":"events_api","envelope_id":"1"}',
     '{"type":"events_api","envelope_id":"1","payload":7}', '{"type":"events_api","envelope_id":1,"payload":{}}'],
)  # fmt: skip
def test_what_says_nothing_breaks_nothing(text: str) -> None:
    """A message that is no envelope, whatever it is, is passed over."""
    assert read(text) is None


def test_an_envelope_of_a_kind_that_nobody_knows_is_refused_as_a_request_would_be() -> None:
    """What is in it is parsed as a request, which has the words for what is wrong with it."""
    found = read_envelope({"type": "new_thing", "envelope_id": "1", "payload": {"type": "new"}})
    with pytest.raises(RefusedError, match="bad_kind"):
        parse(found.body, found.content_type)


def test_a_command_keeps_what_is_no_text() -> None:
    """A field of a command that is no string is kept as JSON, and one without a value is left out."""
    payload = {"command": "/deploy", "text": "null", "is_enterprise_install": False, "enterprise_id": None}
    found = read_envelope({"type": "slash_commands", "envelope_id": "1", "payload": payload})
    parsed = parse(found.body, found.content_type)
    assert parsed.payload == {"command": "/deploy", "text": "null", "is_enterprise_install": "false"}


@pytest.mark.parametrize("what", ["events_api", "interactive"])
def test_what_http_can_read_can_be_read_here(what: str) -> None:
    """Half of a surrogate pair, and what is nested deeper than our JSON writer goes, are no end of a connection."""
    payload = {"type": "block_actions", "actions": [{"action_id": "x"}]} if what == "interactive" else make_event()
    payload["text"], payload["deep"] = "\ud83d", nested(800)
    found = read_envelope({"type": what, "envelope_id": "1", "payload": payload})
    parsed = parse(found.body, found.content_type)
    assert parsed.payload == payload


@pytest.mark.parametrize("depth", [990, 1020, 100_000])
def test_what_nobody_can_read_is_no_end_of_a_connection(depth: int) -> None:
    """It is refused like any other that cannot be read, or passed over."""
    deep = "[" * depth + "]" * depth
    found = read(f'{{"type":"events_api","envelope_id":"1","payload":{{"type":"event_callback","deep":{deep}}}}}')
    if isinstance(found, Envelope) and not found.body:
        with pytest.raises(RefusedError, match="bad_json"):
            parse(found.body, found.content_type)


def test_half_a_pair_in_a_command_is_refused() -> None:
    """A form cannot say it: over HTTP there is none."""
    found = read_envelope(
        {"type": "slash_commands", "envelope_id": "1", "payload": {"command": "/x", "text": "\ud83d"}}
    )
    with pytest.raises(RefusedError, match="bad_json"):
        parse(found.body, found.content_type)


def make_event() -> dict[str, Any]:
    """A message as Slack sends it."""
    payload: dict[str, Any] = json.loads(make("message").body)
    return payload


def nested(depth: int) -> Any:
    """Lists within lists."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value
