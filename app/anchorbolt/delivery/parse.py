"""From the bytes of a verified request to a delivery, or to a clear refusal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

from anchorbolt.delivery import headers as headers_of
from anchorbolt.delivery import json_text, keys, lanes, shape
from anchorbolt.delivery.delivery import FORM, JSON, Control, Delivery
from anchorbolt.delivery.kinds import COMMAND, EVENT, INTERACTIVE, Kind
from anchorbolt.errors import RefusedError
from anchorbolt.telemetry.redact import learn_token

# Slack's forms have some fifteen fields.
MOST_FIELDS = 200
# The signature covers the body and not its content type: whoever has caught an event may send it again as a form, in
# which `x&command=/deploy` in the text of a message would be fields of a command. No form of Slack's begins so.
OBJECT = re.compile(r"[ \t\r\n]*\{")
# Slack posts these as JSON. In a form they would pass for interactions, and Bolt would take them for what they are not.
ONLY_AS_JSON = frozenset({"event_callback", "url_verification", "app_rate_limited"})


def parse(body: bytes, content_type: str) -> Delivery | Control:
    """Reads a request. `content_type` is JSON or FORM. Raises RefusedError (400) for what Slack would not send."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _refusal("bad_encoding") from None
    return _from_json(text) if content_type == JSON else _from_form(text)


def restore(body: str, content_type: str, key: str, headers: str | None = None) -> Delivery:
    """Reads a stored delivery again, under the key that it was stored with (a key may be random).

    `headers`: what `headers.written` made of those it came with. Raises RefusedError (400) for what is no delivery.
    """
    found = _from_json(body) if content_type == JSON else _from_form(body)
    if isinstance(found, Control):
        raise RefusedError(400, "bad_kind")
    lane = lanes.lane(found.kind, found.type, key, found.payload)
    return replace(found, key=key, lane=lane, headers=headers_of.restored(headers))


def _from_json(text: str) -> Delivery | Control:
    payload = _json_object(text)
    match payload.get("type"):
        case "event_callback":
            event = payload.get("event")
            if not (isinstance(event, dict) and isinstance(event.get("type"), str)):
                raise _refusal("bad_event")
            if not (isinstance(payload.get("event_id"), str) and payload["event_id"]):
                raise _refusal("bad_event")
            return _delivery(EVENT, event["type"], keys.event_key(payload), JSON, text, payload)
        case "url_verification":
            if not _is_text(payload.get("challenge")):
                raise _refusal("bad_challenge")
            return Control("url_verification", payload)
        case "app_rate_limited":
            return Control("app_rate_limited", payload)
        case _:
            raise _refusal("bad_kind")


def _from_form(text: str) -> Delivery | Control:
    if "\0" in text or OBJECT.match(text):
        raise _refusal("bad_form")
    try:
        form = _fields(text)
    except ValueError:
        raise _refusal("bad_form") from None
    if "payload" in form:
        return _interactive(form["payload"], text)
    if form.get("ssl_check") == "1":
        return Control("ssl_check", dict(form))
    if form.get("command", "").startswith("/"):
        key = keys.interaction_key(COMMAND, form)
        return _delivery(COMMAND, form["command"], key, FORM, text, dict(form))
    raise _refusal("bad_form")


def _fields(text: str) -> dict[str, str]:
    """What parse_qsl() finds, which decodes each name and value, also where nothing is encoded. ValueError: bad."""
    if text.count("&") >= MOST_FIELDS:
        raise ValueError("too many fields")
    fields = {}
    for field in text.replace("+", " ").split("&"):
        if field:
            name, _, value = field.partition("=")
            if "%" in name:
                name = unquote_to_bytes(name).decode()
            if "%" in value:
                value = unquote_to_bytes(value).decode()
            fields[name] = value
    return fields


def _interactive(text: str, body: str) -> Delivery:
    payload = _json_object(text)
    kind_of_payload = payload.get("type")
    if not isinstance(kind_of_payload, str) or kind_of_payload in ONLY_AS_JSON:
        raise _refusal("bad_kind")
    if not shape.is_interactive(payload):
        raise _refusal("bad_payload")
    kind = INTERACTIVE.get(kind_of_payload, Kind.ACTION)
    return _delivery(kind, kind_of_payload, keys.interaction_key(kind, payload), FORM, body, payload)


def _delivery(  # noqa: PLR0917 - in the order of Delivery itself
    kind: Kind, of: str, key: str, content_type: str, body: str, payload: dict[str, Any]
) -> Delivery:
    learn_token(payload.get("token"))  # only what was verified is parsed
    conversation = keys.conversation(kind, payload)
    lane = lanes.lane(kind, of, key, payload)
    workspace = keys.workspace(kind, payload)
    # By position: with the names of its fields, it takes twice as long.
    return Delivery(kind, of, key, conversation, lane, content_type, body, payload, {}, workspace)


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json_text.read(text)
    except ValueError:
        raise _refusal("bad_json") from None
    if not isinstance(found, dict):
        raise _refusal("bad_json")
    return found


def _is_text(value: Any) -> bool:
    """A string that can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _refusal(word: str) -> RefusedError:
    return RefusedError(400, word)
