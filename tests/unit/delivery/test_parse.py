"""From bytes to a delivery and back: what Slack sends is understood, and what is stored is the same again."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode

import pytest
from anchorbolt.delivery import Control, Delivery, Kind, parse, restore
from anchorbolt.delivery.delivery import FORM, JSON
from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.errors import RefusedError
from hypothesis import given
from hypothesis import strategies as st


def parsed(sample: Sample) -> Delivery | Control:
    """A sample as the app sees it."""
    return parse(sample.body, sample.content_type)


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_kind_that_slack_sends(kind: str) -> None:
    """A sample of each kind is understood as its family, with the key that it came with."""
    sample = make(kind)
    found = parsed(sample)
    if sample.family == "control":
        assert isinstance(found, Control)
        return
    assert isinstance(found, Delivery)
    assert found.kind == sample.family
    assert sample.key in {None, found.key}
    assert found.body.encode() == sample.body


@given(st.text(alphabet="ab&=+%20F9fé \x7f;", max_size=30))
def test_a_form_is_read_as_the_standard_library_reads_it(text: str) -> None:
    """Names and values are those of parse_qsl(), whatever is encoded how; what that refuses is refused."""
    text = "command=%2Fx&" + text
    try:
        expected = dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        with pytest.raises(RefusedError):
            parse(text.encode(), FORM)
    else:
        found = parse(text.encode(), FORM)
        assert isinstance(found, Delivery)
        assert found.payload == expected


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if make(kind).family != "control"])
def test_what_is_stored_is_the_same_again(kind: str) -> None:
    """Restored from body, content type and key, a delivery is what it was, also where its key is random."""
    found = parsed(make(kind))
    assert isinstance(found, Delivery)
    assert restore(found.body, found.content_type, found.key) == found


def test_a_control_request_is_never_restored() -> None:
    """A control request is never stored: a row that says so was not written by us."""
    with pytest.raises(RefusedError, match="400 bad_kind"):
        restore('{"type": "app_rate_limited"}', JSON, "k")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_of_a_command_arrives_as_it_was_written(text: str) -> None:
    """Percent signs, ampersands, emoji and the word payload are a user's text, and nothing else."""
    form = {"command": "/x", "text": text, "trigger_id": "1.2.a"}
    found = parse(urlencode(form).encode(), FORM)
    assert isinstance(found, Delivery)
    assert (found.kind, found.type, found.payload) == (Kind.COMMAND, "/x", form)


@given(st.text())
def test_any_text_of_an_event_arrives_as_it_was_written(text: str) -> None:
    """Whatever JSON can hold, half of a surrogate pair too."""
    payload = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": text}}
    found = parse(json.dumps(payload).encode(), JSON)
    assert isinstance(found, Delivery)
    assert found.payload == payload


@given(st.binary(max_size=300), st.sampled_from([JSON, FORM]))
def test_no_bytes_do_anything_else(body: bytes, content_type: str) -> None:
    """Any bytes are a delivery, a control request or a refusal with 400."""
    try:
        assert isinstance(parse(body, content_type), Delivery | Control)
    except RefusedError as refusal:
        assert refusal.status == 400  # noqa: PT017 - a refusal is one of three good ends


def test_a_kind_that_is_new_is_an_action() -> None:
    """An interactive payload of a type that we do not know reaches Bolt, which says whether anybody listens."""
    found = parse(urlencode({"payload": '{"type": "brand_new"}'}).encode(), FORM)
    assert isinstance(found, Delivery)
    assert (found.kind, found.type) == (Kind.ACTION, "brand_new")


def test_a_delivery_shows_nothing_of_what_it_says() -> None:
    """The repr of a delivery, which may reach a log, holds neither body nor payload."""
    found = parse(urlencode({"command": "/x", "text": "a secret", "token": "made-up"}).encode(), FORM)
    assert "secret" not in repr(found)
    assert "made-up" not in repr(found)


@given(
    st.sampled_from(["", " ", "\n", "\r\n\t "]),
    st.sampled_from(["x&command=%2Fdeploy&user_id=U1&x=", "x&payload={}&x=", "x&ssl_check=1&x="]) | st.text(),
)
def test_an_event_is_no_form(space: str, text: str) -> None:
    """What is signed as JSON is refused as a form, whatever a user wrote in it; no form is an event."""
    payload = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": text}}
    body = (space + json.dumps(payload, ensure_ascii=False)).encode("utf-8", "replace")
    assert isinstance(parse(body, JSON), Delivery)
    with pytest.raises(RefusedError, match="400 bad_form"):
        parse(body, FORM)


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if make(kind).content_type == FORM])
def test_a_form_is_no_event(kind: str) -> None:
    """What is signed as a form is refused as JSON."""
    with pytest.raises(RefusedError, match="400"):
        parse(make(kind).body, JSON)
