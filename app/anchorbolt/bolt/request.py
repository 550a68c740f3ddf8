"""The request that Bolt dispatches: made from a delivery, or by Bolt's adapter with the payload of the delivery."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest

from anchorbolt.bolt.context_values import build_context
from anchorbolt.delivery import Delivery

# With these, Bolt's adapter for AWS Lambda calls its own app again: from outside they would choose what runs.
BOLTS_OWN = ("x-slack-bolt-lazy-only", "x-slack-bolt-lazy-function-name")


class Request(AsyncBoltRequest):
    """Its mode is that of Socket Mode: Bolt then takes the body as it is, and verifies nothing again."""

    def __init__(self, delivery: Delivery, context: dict[str, Any]) -> None:
        """Sets what Bolt's own constructor sets, without parsing the body again. `context`: values for its context."""
        self.raw_body = delivery.body
        self.body = delivery.payload
        self.query = {}
        self.headers = {name: [value] for name, value in delivery.headers.items() if name not in BOLTS_OWN}
        self.headers.setdefault("content-type", [delivery.content_type])
        self.content_type = delivery.content_type
        self.context = build_context(AsyncBoltContext(context), delivery.payload)
        self.lazy_only = False  # headers from outside may not name lazy functions
        self.lazy_function_name = None
        self.mode = "socket_mode"


def as_delivered(request: AsyncBoltRequest, delivery: Delivery, context: dict[str, Any]) -> AsyncBoltRequest:
    """Returns the request that Bolt's adapter made, with the delivery's payload and `context` in it.

    The payload is read by us, because a slash command whose text holds the word `payload` is {} to Bolt 1.30
    (slack_bolt/request/internals.py, parse_body). Headers from outside may not name lazy functions.
    """
    if not request.body:
        build_async_context(request.context, delivery.payload)
    request.body = delivery.payload
    request.context.update(context)
    for name in BOLTS_OWN:
        request.headers.pop(name, None)
    request.lazy_only = False
    request.lazy_function_name = None
    return request
