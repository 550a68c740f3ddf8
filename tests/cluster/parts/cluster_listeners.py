"""The listeners of the cluster's tests: each run tells the recorder when it starts and when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp

try:
    import anchorbolt_sample as sample_app
except ImportError:  # an older release, before an upgrade: test_upgrade.py
    import app.listeners as sample_app  # type: ignore[import-not-found, no-redef]

RECORDER = os.environ.get("RECORDER_URL", "http://recorder:8000/")
TOLD_WITHIN_SECONDS = 5
_sessions: list[aiohttp.ClientSession] = []
_leaked: list[bytes] = []


async def _tell(phase: str, job: dict[str, Any], attempt: int) -> None:
    """Tells the recorder; a run that cannot tell has failed, as one whose Web API call fails has."""
    if not _sessions:
        _sessions.append(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TOLD_WITHIN_SECONDS)))
    line = {"phase": phase, "attempt": attempt, "pod": socket.gethostname(), "at": time.time()}
    line |= {key: job[key] for key in ("id", "lane", "channel")}
    async with _sessions[0].post(RECORDER, json=line) as answer:
        answer.raise_for_status()


def _leak() -> None:
    """Takes memory until the kernel ends the process; in steps, as a leak does."""
    while True:
        _leaked.append(os.urandom(8_000_000))
        time.sleep(0.02)


async def _run(text: str, context: dict[str, Any]) -> None:
    """One job: `text` is JSON with id, lane and seconds of work, and `leak` for a job that eats its pod."""
    job = json.loads(text)
    delivery = context.get("delivery")
    attempt = getattr(delivery, "attempt", 1)
    await _tell("start", job, attempt)
    if job.get("leak"):
        await asyncio.to_thread(_leak)
    await asyncio.sleep(job["seconds"])
    await _tell("end", job, attempt)


def register(app: AsyncApp) -> None:
    """Registers a listener each for the kinds that the load sends, and the sample app for the rest."""
    if os.environ.get("NEVER_READY"):
        threading.Event().wait()  # a release that starts and never comes up

    async def is_job(event: dict[str, Any]) -> bool:
        return str(event.get("text", "")).startswith('{"id"')

    @app.event("message", matchers=[is_job])
    async def on_message(event: dict[str, Any], context: dict[str, Any]) -> None:
        await _run(event["text"], context)

    @app.command("/work")
    async def on_command(ack: AsyncAck, command: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        await _run(command["text"], context)

    @app.action("work")
    async def on_action(ack: AsyncAck, action: dict[str, Any], context: dict[str, Any]) -> None:
        await ack()
        await _run(action["value"], context)

    sample_app.register(app)
