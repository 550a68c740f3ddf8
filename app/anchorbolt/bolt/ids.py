"""Who and where a request is from, read from the two forms that most have: a plain event, and a command.

Bolt looks for each id in all the places that any kind of request may have it in. Here a request that holds nothing but
the fields below has each in one place; any other is looked at by Bolt's own functions (request.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

# https://docs.slack.dev/apis/events-api: what is around an event, the app's authorization in it, ...
EVENT = frozenset({
    "token", "team_id", "enterprise_id", "context_team_id", "context_enterprise_id", "api_app_id", "event", "type",
    "event_id", "event_time", "event_context", "authorizations", "authed_users", "authed_teams",
    "is_ext_shared_channel",
})  # fmt: skip
AUTHORIZATION = frozenset({"enterprise_id", "team_id", "user_id", "is_bot", "is_enterprise_install"})
# ... and what of an event itself may hold an id that is not in its own fields.
DEEPER = frozenset({
    "event", "message", "previous_message", "item", "assistant_thread", "function_data", "function_execution_id",
})  # fmt: skip
# https://docs.slack.dev/interactivity/implementing-slash-commands
COMMAND = frozenset({
    "token", "team_id", "team_domain", "enterprise_id", "enterprise_name", "channel_id", "channel_name", "user_id",
    "user_name", "command", "text", "api_app_id", "is_enterprise_install", "response_url", "trigger_id",
})  # fmt: skip


class Ids(NamedTuple):
    """Each as it is in the payload; None or empty where there is none."""

    is_enterprise_install: Any
    enterprise_id: Any
    team_id: Any
    user_id: Any
    channel_id: Any
    thread_ts: Any = None


def of_plain(body: dict[str, Any]) -> Ids | None:
    """The ids of a request of one of the two forms."""
    event = body.get("event")
    if isinstance(event, dict):
        return _of_event(body, event)
    if body.keys() <= COMMAND and "command" in body:
        return Ids(
            body.get("is_enterprise_install"),
            body.get("enterprise_id"),
            body.get("team_id"),
            body.get("user_id"),
            body.get("channel_id"),
        )
    return None


def _of_event(body: dict[str, Any], event: dict[str, Any]) -> Ids | None:
    authorizations = body.get("authorizations")
    if not (isinstance(authorizations, list) and authorizations and body.keys() <= EVENT):
        return None
    # Not those around the event: in a channel that is shared they are of the workspace that it came from.
    ours = authorizations[0]
    if not (isinstance(ours, dict) and ours.keys() == AUTHORIZATION and event.keys().isdisjoint(DEEPER)):
        return None
    user, channel = event.get("user"), event.get("channel")
    if user is None:
        user = event.get("user_id")
    elif not isinstance(user, str):
        return None
    if channel is None:
        channel = event.get("channel_id")
    elif not isinstance(channel, str):
        return None
    return Ids(
        ours["is_enterprise_install"], ours["enterprise_id"], ours["team_id"], user, channel, event.get("thread_ts")
    )
