"""Serves a Python peer as well as uvicorn can: uvloop, httptools, one process, no access log."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import uvicorn

from bench.listeners.plan import Kind, Planned, plan

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BOT_TOKEN = "xoxb-bench"


@dataclass(frozen=True)
class Asked:
    """What the bench asks of a peer."""

    planned: list[Planned]
    web_api_url: str


def serve(build: Callable[[Asked], Any]) -> None:
    """Builds the ASGI application and serves it until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--listeners", type=int, default=1)
    parser.add_argument("--kind", choices=["event", "command"], default="event")
    parser.add_argument("--web-api-url", default="")
    arguments = parser.parse_args()
    planned = plan(arguments.listeners, cast("Kind", arguments.kind))
    uvicorn.run(
        build(Asked(planned, arguments.web_api_url)),
        host="127.0.0.1",
        port=arguments.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        backlog=4096,
        timeout_graceful_shutdown=1,
    )
