"""Attaches `set_status`, `say_stream` and the like to the context of an event.

Bolt finds out thirteen times what sort of event it is, which costs 44 thousand instructions: a seventh of a dispatch
(docs/decisions/0063). For most events the type alone tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.say_stream.async_say_stream import AsyncSayStream
from slack_bolt.context.set_status.async_set_status import AsyncSetStatus
from slack_bolt.middleware.attaching_conversation_kwargs.async_attaching_conversation_kwargs import (
    AsyncAttachingConversationKwargs,
)
from slack_bolt.request import BoltRequest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

# Events that may belong to an assistant's thread, a direct message or the app's home: Bolt finds out.
PERHAPS_MORE = frozenset({
    "message", "assistant_thread_started", "assistant_thread_context_changed", "app_home_opened",
})  # fmt: skip


class ConversationArguments(AsyncAttachingConversationKwargs):
    """Bolt's middleware, which looks at the type of an event first."""

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt passes it by this name
    ) -> BoltResponse | None:
        """Attaches `set_status`, `say_stream` and the like to a request that may use them, then runs `next`."""
        if self.attach(req):
            return await next()
        return await super().async_process(req=req, resp=resp, next=next)

    def attach(self, req: AsyncBoltRequest) -> bool:
        """Attaches what an event of most types is given. False, and nothing attached, where Bolt has to do it."""
        return attached(req, AsyncSetStatus, AsyncSayStream)


def attached(req: AsyncBoltRequest | BoltRequest, set_status: type[Any], say_stream: type[Any]) -> bool:
    """Attaches what an event of most types is given. False, and nothing attached, for those that are left to Bolt.

    `set_status`, `say_stream`: Bolt's classes of these utilities, synchronous or not, as the request is.
    """
    event, context = req.body.get("event"), req.context
    if event is None or req.body.get("type") != "event_callback":
        return True
    of = event.get("type")
    if of in PERHAPS_MORE and (of != "message" or event.get("channel_type") == "im"):
        return False
    get = context.get  # a property of Bolt's for each of them would do the same in a call of its own
    channel_id = get("channel_id")
    thread_ts = get("thread_ts") or event.get("ts")
    if channel_id is not None and of is not None and thread_ts:
        client = context.client
        context["set_status"] = set_status(client=client, channel_id=channel_id, thread_ts=thread_ts)
        context["say_stream"] = say_stream(
            client=client,
            channel=channel_id,
            recipient_team_id=get("team_id") or get("enterprise_id"),
            recipient_user_id=get("user_id"),
            thread_ts=thread_ts,
        )
    return True
