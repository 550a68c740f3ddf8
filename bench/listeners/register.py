"""Registers a plan with Bolt: each listener makes one call of the Web API, which carries the number of its job back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from bench.listeners.plan import Planned


def register_async(app: AsyncApp, planned: Sequence[Planned]) -> None:
    for kind, name in planned:
        getattr(app, kind)(name)(_async_listener(kind))


def register_sync(app: App, planned: Sequence[Planned]) -> None:
    for kind, name in planned:
        getattr(app, kind)(name)(_sync_listener(kind))


# A function of its own for each listener, as an app has: nothing may be shared by accident.


def _async_listener(kind: str) -> Any:
    if kind == "event":

        async def on_event(event: dict[str, Any], client: AsyncWebClient) -> None:
            await client.chat_postMessage(channel=event["channel"], text=event["text"])

        return on_event

    async def on_interaction(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postMessage(channel=body["channel_id"], text=body["text"])

    return on_interaction


def _sync_listener(kind: str) -> Any:
    if kind == "event":

        def on_event(event: dict[str, Any], client: WebClient) -> None:
            client.chat_postMessage(channel=event["channel"], text=event["text"])

        return on_event

    def on_interaction(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.chat_postMessage(channel=body["channel_id"], text=body["text"])

    return on_interaction
