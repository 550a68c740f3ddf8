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


def build_context(context: AsyncBoltContext, body: dict[str, Any]) -> AsyncBoltContext:
    """Fills the context by Bolt's own functions, and returns it: what `build_async_context` does.

    Who acted is somebody else than `user_id` and `team_id` say only in a channel that is shared by Slack Connect: for
    every other event, Bolt's functions for the actor call those that were called for the event a moment before.
    """
    if (
        body.get("type") != "event_callback"
        or body.get("is_ext_shared_channel") is True
        or "response_url" in body
        or "response_urls" in body
        or extract_function_execution_id(body)
    ):
        return build_async_context(context, body)
    context["is_enterprise_install"] = extract_is_enterprise_install(body)
    if enterprise_id := extract_enterprise_id(body):
        context["enterprise_id"] = context["actor_enterprise_id"] = enterprise_id
    if team_id := extract_team_id(body):
        context["team_id"] = context["actor_team_id"] = team_id
    if user_id := extract_user_id(body):
        context["user_id"] = context["actor_user_id"] = user_id
    if channel_id := extract_channel_id(body):
        context["channel_id"] = channel_id
    if thread_ts := extract_thread_ts(body):
        context["thread_ts"] = thread_ts
    return context
