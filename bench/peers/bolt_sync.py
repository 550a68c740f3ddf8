"""Bolt for Python's App (threads) on FastAPI, by Bolt's own adapter."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient

from bench.listeners.register import register_sync
from bench.peers.serve import BOT_TOKEN, SIGNING_SECRET, Asked, serve


def build(asked: Asked) -> Any:
    bolt = App(signing_secret=SIGNING_SECRET, client=WebClient(token=BOT_TOKEN, base_url=asked.web_api_url))
    register_sync(bolt, asked.planned)
    handler = SlackRequestHandler(bolt)
    app = FastAPI()

    @app.post("/slack/events")
    async def endpoint(request: Request) -> Any:
        return await handler.handle(request)

    return app


if __name__ == "__main__":
    serve(build)
