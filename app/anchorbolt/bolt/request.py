"""Bolt's request, made from a delivery that is parsed already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request import internals
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest

from anchorbolt.delivery import Delivery

# With these, Bolt's adapter for AWS Lambda calls its own app again: from outside they would choose what runs.
BOLTS_OWN = "x-slack-bolt-"

Query = Mapping[str, Sequence[str]]


class Request(AsyncBoltRequest):
    """Its mode is that of Socket Mode: Bolt then takes the body as it is, and verifies nothing again."""

    def __init__(self, delivery: Delivery, context: dict[str, Any], query: Query | None = None) -> None:
        """In the place of Bolt's own, which parses, normalizes and looks for what is known here."""
        self.raw_body = delivery.body
        self.body = delivery.payload
        self.query = dict(query or {})
        self.headers = {name: [value] for name, value in delivery.headers.items() if not name.startswith(BOLTS_OWN)}
        self.headers.setdefault("content-type", [delivery.content_type])
        self.content_type = delivery.content_type
        self.context = _context(context, delivery.payload)
        self.lazy_only = False  # headers from outside may not name lazy functions
        self.lazy_function_name = None
        self.mode = "socket_mode"


def _context(given: dict[str, Any], body: dict[str, Any]) -> AsyncBoltContext:
    """What Bolt's build_async_context finds, without looking twice for each of the ids.

    Only in a channel that is shared with another workspace the actor may be somebody else than the user.
    """
    context = AsyncBoltContext(given)
    if body.get("is_ext_shared_channel") is True or "response_urls" in body:
        return build_async_context(context, body)
    enterprise_id, team_id = internals.extract_enterprise_id(body), internals.extract_team_id(body)
    user_id, channel_id = internals.extract_user_id(body), internals.extract_channel_id(body)
    installed = internals.extract_is_enterprise_install(body)
    context["is_enterprise_install"] = installed is True or installed == "true"
    if enterprise_id:
        context["enterprise_id"] = context["actor_enterprise_id"] = enterprise_id
    if team_id:
        context["team_id"] = context["actor_team_id"] = team_id
    if user_id:
        context["user_id"] = context["actor_user_id"] = user_id
    if channel_id:
        context["channel_id"] = channel_id
    if thread_ts := internals.extract_thread_ts(body):
        context["thread_ts"] = thread_ts
    if function_execution_id := internals.extract_function_execution_id(body):
        context["function_execution_id"] = function_execution_id
        if (token := internals.extract_function_bot_access_token(body)) is not None:
            context["function_bot_access_token"] = token
        if (inputs := internals.extract_function_inputs(body)) is not None:
            context["inputs"] = inputs
    if "response_url" in body:
        context["response_url"] = body["response_url"]
    return context
