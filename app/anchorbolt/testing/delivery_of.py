"""Turns a request of Bolt's into the delivery that Slack would have sent for it."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from slack_bolt.request.async_request import AsyncBoltRequest

from anchorbolt.delivery import Delivery, Kind, json_text, parse
from anchorbolt.delivery.delivery import FORM, JSON
from anchorbolt.errors import RefusedError


def delivery_of(request: AsyncBoltRequest) -> Delivery:
    """Reads a request as the server would. Never raises.

    A test may send less than Slack does: what the server would refuse becomes a delivery with a random key.
    """
    found = None
    try:
        text, content_type = _as_posted(request)
        found = parse(text.encode(), content_type)
    except (RefusedError, ValueError, TypeError):
        pass
    if not isinstance(found, Delivery):
        key = f"{Kind.CONTROL}:{secrets.token_hex(16)}"
        of = str(request.body.get("type") or "unknown")
        found = Delivery(Kind.CONTROL, of, key, None, f"={key}", JSON, request.raw_body, request.body)
    found.headers = {name: values[0] for name, values in request.headers.items() if values}
    return found


def _as_posted(request: AsyncBoltRequest) -> tuple[str, str]:
    """Text and content type of what Slack would have posted. In Socket Mode, a request has only its parsed body."""
    if request.raw_body:
        return request.raw_body, JSON if request.raw_body.startswith("{") else FORM
    body = request.body
    if "command" in body:
        return urlencode({name: value for name, value in body.items() if value is not None}), FORM
    if body.get("type") in {"event_callback", "url_verification", "app_rate_limited"}:
        return json_text.write(body), JSON
    return urlencode({"payload": json_text.write(body)}), FORM
