"""LISTENERS=tests.integration.telemetry.tracing_listeners: a team that traces its own HTTP calls and steps."""

from __future__ import annotations

import os
from typing import Any

import httpx
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from slack_bolt.async_app import AsyncApp

tracer = trace.get_tracer("the team's")


def register(app: AsyncApp) -> None:
    """One listener. The team instruments its HTTP client, as the documentation of the library says."""
    HTTPXClientInstrumentor().instrument()
    app.event("app_mention")(on_mention)


async def on_mention(event: dict[str, Any], say: Any) -> None:
    """Asks a service of the team's, within a step of its own, and answers."""
    with tracer.start_as_current_span("look it up") as span:
        span.set_attribute("token", f"xoxb-planted-{event['channel']}")
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get(os.environ["TEAMS_SERVICE"])
        try:
            raise ValueError("it was xoxb-planted-in-an-exception")
        except ValueError as error:
            span.record_exception(error)
    await say("found")
