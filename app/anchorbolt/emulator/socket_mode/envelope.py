"""Wraps a sample into an envelope of Socket Mode. https://docs.slack.dev/apis/events-api/using-socket-mode/"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qsl

import orjson

from anchorbolt.emulator.requests.sample import JSON
from anchorbolt.emulator.samples import Sample, make

Envelope = dict[str, Any]

# Kinds whose ack may hold a payload.
_ANSWERED = frozenset({"block_suggestion", "view_submission"})


def is_sent_over_sockets(kind: str) -> bool:
    """Whether Slack sends this kind in Socket Mode. Control requests are sent over HTTP alone."""
    return make(kind).family != "control"


def envelope(sample: Sample, *, retry_attempt: int = 0, retry_reason: str = "") -> Envelope:
    """Wraps a sample into a new envelope.

    `retry_attempt`: the number of Slack's retry, 0 for the first time; `retry_reason`: its reason. Both are for events.
    Raises ValueError for a control request, which is sent over HTTP alone.
    """
    made: Envelope = {"envelope_id": str(uuid.uuid4())}
    if sample.family == "control":
        raise ValueError(f"{sample.kind} is sent over HTTP alone")
    if sample.content_type == JSON:
        made |= {"type": "events_api", "payload": orjson.loads(sample.body), "accepts_response_payload": False}
        return made | {"retry_attempt": retry_attempt, "retry_reason": retry_reason}
    form = dict(parse_qsl(sample.body.decode(), keep_blank_values=True))
    if "payload" in form:
        made |= {"type": "interactive", "payload": orjson.loads(form["payload"])}
        return made | {"accepts_response_payload": sample.kind in _ANSWERED}
    return made | {"type": "slash_commands", "payload": form, "accepts_response_payload": True}
