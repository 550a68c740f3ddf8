"""The app's two transports: a signed request, or an envelope of Socket Mode that the emulator sends for us."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.parse
import uuid
from typing import Any, Protocol

Payload = dict[str, Any]

TEAM_ID = "T0ANCH0R"  # the emulator's workspace: for any other one no listener would run

# Kinds that Slack sends again when they are not acknowledged.
EVENTS = ("event", "thread")
ENVELOPES = {"command": "slash_commands", "action": "interactive"}


def payload_of(kind: str, name: str, channel: str, number: int, job: dict[str, object]) -> Payload:
    """The payload that Slack would send for this job over either transport."""
    text = json.dumps(job)
    if kind in EVENTS:
        event = {"type": "message", "channel": channel, "user": "U1", "ts": f"{number}.0001", "text": text}
        event |= {"thread_ts": "1.0001"} if kind == "thread" else {}
        payload = {"type": "event_callback", "team_id": TEAM_ID, "api_app_id": "A1", "event_id": name, "event": event}
        bot = {"team_id": TEAM_ID, "user_id": "UBOT", "is_bot": True}
        return payload | {"event_time": int(time.time()), "authorizations": [bot]}
    if kind == "command":
        form = {
            "command": "/work",
            "text": text,
            "channel_id": channel,
            "user_id": "U1",
            "team_id": TEAM_ID,
            "token": "t",
        }
        return form | {"trigger_id": name, "api_app_id": "A1", "response_url": "https://hooks.slack.com/x"}
    action = {"type": "button", "action_id": "work", "block_id": "b", "value": text, "action_ts": "1.0"}
    click = {"type": "block_actions", "team": {"id": TEAM_ID}, "user": {"id": "U1"}, "api_app_id": "A1", "token": "t"}
    return click | {"channel": {"id": channel}, "trigger_id": name, "actions": [action]}


class Transport(Protocol):
    """Wraps a payload for one transport."""

    def wrap(self, kind: str, payload: Payload, retry: int) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of the POST. `retry` counts Slack's retries, from 0."""


class SignedRequest:
    """Slack's requests over HTTP; `secret` may change while they are sent."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def wrap(self, kind: str, payload: Payload, retry: int) -> tuple[bytes, dict[str, str]]:
        """JSON for events, a form for the others; signed as of now."""
        if kind in EVENTS:
            body, content_type = json.dumps(payload).encode(), "application/json"
        else:
            form = payload if kind == "command" else {"payload": json.dumps(payload)}
            body, content_type = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
        at = str(int(time.time()))
        digest = hmac.new(self.secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}", "Content-Type": content_type}
        again = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_error"} if retry else {}
        return body, headers | again


class Envelope:
    """What the Slack emulator sends over one of the app's connections."""

    def wrap(self, kind: str, payload: Payload, retry: int) -> tuple[bytes, dict[str, str]]:
        """A fresh envelope; the payload in it is the one that was sent before."""
        made: Payload = {"envelope_id": str(uuid.uuid4()), "type": ENVELOPES.get(kind, "events_api")}
        made |= {"payload": payload, "accepts_response_payload": kind == "command"}
        if kind in EVENTS:
            made |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        return json.dumps(made).encode(), {"Content-Type": "application/json"}
