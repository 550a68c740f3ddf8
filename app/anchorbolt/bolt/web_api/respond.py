"""Bolt's `respond()`, over the session of the process and as one of the calls of its run."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_bolt.context.respond.internals import _build_message
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from anchorbolt.bolt.web_api.watched_client import WatchedClient

# The arguments of Bolt's own in their order, which may be given by position.
POSITIONAL = (
    *("blocks", "attachments", "response_type", "replace_original", "delete_original"),
    *("unfurl_links", "unfurl_media", "thread_ts", "metadata"),
)


class Respond(AsyncRespond):
    """Posts to the `response_url` of an interaction. Bolt's own opens a session for each call, out of our reach."""

    def __init__(self, client: WatchedClient, response_url: str) -> None:
        super().__init__(response_url=response_url, proxy=client.proxy, ssl=client.ssl)
        self.client = client

    async def __call__(self, text: str | dict[str, Any] = "", *more: Any, **fields: Any) -> WebhookResponse:
        """Takes the arguments of Bolt's own, and raises what Bolt's own raises."""
        if not isinstance(text, str | dict):
            raise ValueError(f"The arg is unexpected type ({type(text)})")  # noqa: TRY004 - as Bolt does
        if len(more) > len(POSITIONAL):
            raise TypeError(f"respond() takes at most {len(POSITIONAL) + 1} positional arguments")
        if isinstance(text, dict):
            message = _build_message(**text)
        else:
            message = _build_message(text=text, **dict(zip(POSITIONAL, more, strict=False)), **fields)
        shared = self.client.shared
        webhook = AsyncWebhookClient(
            url=self.response_url or "",
            proxy=self.proxy,
            ssl=self.ssl,
            session=shared if shared is not None and not shared.closed else None,
        )
        calls = self.client.calls
        begun = calls.begin("respond()")
        try:
            return await webhook.send_dict(message)
        finally:
            calls.end(begun)
