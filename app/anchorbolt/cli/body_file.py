"""Makes a request from a file, in one of the encodings that Slack uses."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

from anchorbolt.emulator.requests.sample import FORM, JSON, Sample, as_form, as_payload

_INTERACTIONS = (
    "block_actions",
    "block_suggestion",
    "interactive_message",
    "message_action",
    "shortcut",
    "view_closed",
    "view_submission",
)


class Encoding(StrEnum):
    """How the file is sent: as it is (`json`, `form`), or its JSON as form fields or in the form field `payload`."""

    AUTO = "auto"
    JSON = "json"
    FORM = "form"
    FIELDS = "fields"
    PAYLOAD = "payload"


def sample_from_file(file: Path, encoding: Encoding) -> Sample:
    """Returns the request with a file as its body. Raises ValueError where the file does not fit the encoding."""
    body = file.read_bytes()
    decoded = _decoded(body)
    if encoding is Encoding.AUTO:
        encoding = _guess(body, decoded)
    if encoding in (Encoding.FIELDS, Encoding.PAYLOAD):
        if not isinstance(decoded, dict):
            raise ValueError(f"{file} is no JSON object, so it cannot be sent as {encoding}")
        if encoding is Encoding.FIELDS:
            return as_form(file.name, "file", {name: _text(value) for name, value in decoded.items()})
        return as_payload(file.name, "file", decoded)
    return Sample(file.name, "file", JSON if encoding is Encoding.JSON else FORM, body)


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _guess(body: bytes, decoded: object) -> Encoding:
    """Guesses the encoding: `payload` for JSON of an interaction, `fields` for JSON of a command, and so on."""
    if isinstance(decoded, dict):
        if decoded.get("type") in _INTERACTIONS:
            return Encoding.PAYLOAD
        return Encoding.FIELDS if "command" in decoded or "ssl_check" in decoded else Encoding.JSON
    return Encoding.JSON if body.lstrip()[:1] in (b"{", b"[") or b"=" not in body else Encoding.FORM


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
