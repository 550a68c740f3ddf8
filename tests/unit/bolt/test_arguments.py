"""The arguments of a listener: what Bolt would build, and no more of it than is asked for."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from anchorbolt.bolt.arguments import KNOWN, build
from slack_bolt.kwargs_injection.async_utils import build_async_required_kwargs
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

BODIES: dict[str, dict[str, Any]] = {
    "message": {"type": "event_callback", "event": {"type": "message", "channel": "C1", "text": "hi"}},
    "another event": {"type": "event_callback", "event": {"type": "app_mention", "channel": "C1"}},
    "command": {"command": "/deploy", "text": "payload", "channel_id": "C1"},
    "block action": {"type": "block_actions", "actions": [{"action_id": "approve"}], "channel": {"id": "C1"}},
    "dialog": {"type": "dialog_submission", "callback_id": "ask", "channel": {"id": "C1"}},
    "shortcut": {"type": "shortcut", "callback_id": "open"},
    "message shortcut": {"type": "message_action", "callback_id": "open", "channel": {"id": "C1"}},
    "view": {"type": "view_submission", "view": {"callback_id": "form", "type": "modal"}},
    "closed view": {"type": "view_closed", "view": {"callback_id": "form", "type": "modal"}},
    "options": {"type": "block_suggestion", "action_id": "pick", "value": "a"},
    "dialog's options": {"type": "dialog_suggestion", "callback_id": "pick", "value": "a"},
}


def request_with(body: dict[str, Any]) -> AsyncBoltRequest:
    """A request as a listener gets it, with a client in its context."""
    request = AsyncBoltRequest(body=body, mode="socket_mode")
    request.context["client"] = AsyncWebClient(token="xoxb-unit")
    return request


@pytest.mark.parametrize("kind", BODIES)
def test_each_argument_is_the_one_that_bolt_would_pass(kind: str) -> None:
    """For every name in the table and every kind of request, the value is that of Bolt's own builder."""
    request, names = request_with(BODIES[kind]), list(KNOWN)
    bolts = build_async_required_kwargs(
        logger=logging.getLogger("unit"),
        required_arg_names=list(names),
        request=request,
        response=BoltResponse(status=200),
    )
    assert build(names, request) == bolts


@pytest.mark.parametrize("name", ["self", "args", "payload", "next", "delivery", "set_status", "misspelt"])
def test_what_the_table_does_not_know_is_left_to_bolt(name: str) -> None:
    """One name outside of the table, and Bolt builds all of them: its rules, its warnings."""
    assert build(["event", name], request_with(BODIES["message"])) is None
