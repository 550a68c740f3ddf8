"""A sample, and the three encodings that Slack uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request that Slack would send.

    `family` is what the app calls the kind (event, command, action, shortcut, view, options, control). `key` is the
    idempotency key that the app derives; None where there is none or only the app knows it (a `view_closed`).
    """

    kind: str
    family: str
    content_type: str
    body: bytes = field(repr=False)
    key: str | None = None


def encode(payload: Mapping[str, Any]) -> str:
    """JSON as Slack writes it: ASCII only, and every slash escaped."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/")


def as_json(kind: str, family: str, payload: Mapping[str, Any], key: str | None = None) -> Sample:
    """Returns a sample that is sent as JSON: events and control requests.

    Args:
        kind: the sample's name, such as `app_mention`.
        family: the kind of delivery that it becomes, or `control`.
        payload: what is sent.
        key: the idempotency key that the app finds in it, if it is known here.
    """
    return Sample(kind, family, JSON, encode(payload).encode(), key)


def as_form(kind: str, family: str, fields: Mapping[str, str], key: str | None = None) -> Sample:
    """Returns a sample that is sent as a flat form: commands and ssl_check. The arguments are as in `as_json`."""
    return Sample(kind, family, FORM, urlencode(fields).encode(), key)


def as_payload(kind: str, family: str, payload: Mapping[str, Any], key: str | None = None) -> Sample:
    """A sample that is sent as JSON in the form field `payload`: interactions."""
    return as_form(kind, family, {"payload": encode(payload)}, key)
