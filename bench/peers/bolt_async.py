"""Bolt for Python's AsyncApp on FastAPI, by Bolt's own adapter: what most teams run."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bench.listeners.register import register_async
from bench.peers.serve import BOT_TOKEN, SIGNING_SECRET, Asked, serve


def build(asked: Asked) -> Any:
    client = AsyncWebClient(token=BOT_TOKEN, base_url=asked.web_api_url)
    bolt = AsyncApp(signing_secret=SIGNING_SECRET, client=client)
    register_async(bolt, asked.planned)
    handler = AsyncSlackRequestHandler(bolt)
    app = FastAPI()

    @app.post("/slack/events")
    async def endpoint(request: Request) -> Any:
        return await handler.handle(request)

    return app


if __name__ == "__main__":
    serve(build)
