"""FastAPI with signature and JSON and nothing behind it: the floor under any app on FastAPI. Runs no listener."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response

from bench.peers.serve import Asked, serve
from bench.peers.signature import is_valid


def build(asked: Asked) -> Any:
    del asked
    app = FastAPI()

    @app.post("/slack/events")
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        timestamp = request.headers.get("x-slack-request-timestamp", "").encode()
        signature = request.headers.get("x-slack-signature", "").encode()
        if not is_valid(timestamp, signature, body):
            return Response(status_code=401)
        is_json = request.headers.get("content-type", "").startswith("application/json")
        payload = json.loads(body) if is_json else parse_qs(body.decode())
        return Response(status_code=200 if payload else 400)

    return app


if __name__ == "__main__":
    serve(build)
