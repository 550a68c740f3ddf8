"""The ids of a request in its context, as Bolt puts them there, without finding each of them twice."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.internals import (
    extract_channel_id,
    extract_enterprise_id,
    extract_function_execution_id,
    extract_is_enterprise_install,
    extract_team_id,
    extract_thread_ts,
    extract_user_id,
)

# Where one of these is in the payload around the event, Bolt's functions take it, and do not look further inwards.
OUTER = frozenset({
    "enterprise", "team", "view", "user", "user_id", "channel", "channel_id", "thread_ts", "function_execution_id",
})  # fmt: skip

# Bolt's functions find the id of a step's execution, or of a thread, only in an event that has one of these fields.
STEP_OR_THREAD = frozenset({
    "function_execution_id", "function_data", "thread_ts", "assistant_thread", "message", "previous_message", "event",
})  # fmt: skip


def build_context(context: AsyncBoltContext, body: dict[str, Any]) -> AsyncBoltContext:
    """Fills the context by Bolt's own functions, and returns it: what `build_async_context` does.

    Who acted is somebody else than `user_id` and `team_id` say only in a channel that is shared by Slack Connect: for
    every other event, Bolt's functions for the actor call those that were called for the event a moment before. And
    nearly every event has its workspace in the first of its `authorizations`, and the other ids in its inner `event`:
    Bolt's functions are given these two, because they take several calls to get there from the payload around them.
    """
    named: Any = body.get("authorizations")
    event: Any = body.get("event")
    is_usual = isinstance(named, list) and named and isinstance(named[0], dict) and isinstance(event, dict)
    if is_usual and OUTER.isdisjoint(body):
        installation = named[0]
    else:
        installation = event = body
    may_be_in_one = not STEP_OR_THREAD.isdisjoint(event)
    if (
        body.get("type") != "event_callback"
        or body.get("is_ext_shared_channel") is True
        or "response_url" in body
        or "response_urls" in body
        or (may_be_in_one and extract_function_execution_id(event))
    ):
        return build_async_context(context, body)
    context["is_enterprise_install"] = extract_is_enterprise_install(installation)
    if enterprise_id := extract_enterprise_id(installation):
        context["enterprise_id"] = context["actor_enterprise_id"] = enterprise_id
    if team_id := extract_team_id(installation):
        context["team_id"] = context["actor_team_id"] = team_id
    if user_id := extract_user_id(event):
        context["user_id"] = context["actor_user_id"] = user_id
    if channel_id := extract_channel_id(event):
        context["channel_id"] = channel_id
    if may_be_in_one and (thread_ts := extract_thread_ts(event)):
        context["thread_ts"] = thread_ts
    return context
