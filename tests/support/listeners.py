"""Listeners for LISTENERS=tests.support.listeners: one of each kind that takes everything, and tells what it does.

The text of a message or a command says what to do, in words such as `n=3 work=0.2 fail=1`:
  work=SECONDS    takes so long
  hold=NAME       goes on once there is a file NAME beside the log (`ListenerLog.release`)
  fail=TIMES      raises in the first TIMES attempts
  die=TIMES       kills its own process in the first TIMES attempts
  ack=never|none  a command that never acknowledges, or returns without it
  ack=hold        a command that acknowledges once there is the file that `hold` names
  early=1         raises before it acknowledges
  api=METHOD      calls that method of the Web API
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from anchorbolt.delivery import Attempt
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

LOG_VARIABLE = "TEST_LISTENER_LOG"
EVERYTHING = re.compile(".*", re.DOTALL)


class AskedToFailError(ConnectionError):
    """What a listener raises that was told to: a transient error, after which there is another attempt."""


def register(app: AsyncApp) -> None:
    """Bolt's own decorators, with a pattern that takes everything."""
    app.event(EVERYTHING)(on_event)
    app.command(EVERYTHING)(on_command)
    app.action(EVERYTHING)(on_interaction)
    app.shortcut(EVERYTHING)(on_interaction)
    app.view(EVERYTHING)(on_interaction)
    app.view_closed(EVERYTHING)(on_interaction)
    app.options(EVERYTHING)(on_options)


async def on_event(event: dict[str, Any], delivery: Attempt, client: AsyncWebClient) -> None:
    """Any event: what its text says."""
    text = event.get("text")
    await _work(text if isinstance(text, str) else "", delivery, client)


async def on_command(ack: AsyncAck, command: dict[str, Any], delivery: Attempt, client: AsyncWebClient) -> None:
    """Any command: acknowledges first, unless its text says otherwise."""
    text = command.get("text", "")
    told = words(text)
    if "early" in told:
        raise AskedToFailError("before the ack")
    if told.get("ack") == "none":
        return
    if told.get("ack") == "hold":
        tell("waits", delivery, text)
        await _until_released(told)
    if told.get("ack") != "never":
        await ack("taken")
    await _work(text, delivery, client)


async def on_interaction(ack: AsyncAck, delivery: Attempt) -> None:
    """Anything else that a user clicks."""
    await ack()
    tell("done", delivery, "")


async def on_options(ack: AsyncAck) -> None:
    """An external select."""
    await ack(options=[])


async def _work(text: str, delivery: Attempt, client: AsyncWebClient) -> None:
    told = words(text)
    tell("start", delivery, text)
    try:
        if delivery.attempt + delivery.crashes <= int(told.get("die", 0)):
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(float(told.get("work", 0)))
        while "hold" in told and not (_log().parent / told["hold"]).exists():  # noqa: ASYNC110 - the test is another process
            await asyncio.sleep(0.01)
        if "api" in told:
            await client.api_call(told["api"])
        if delivery.attempt <= int(told.get("fail", 0)):
            raise AskedToFailError("as the text says")
    except asyncio.CancelledError:
        tell("cancelled", delivery, text)
        raise
    except Exception:
        tell("failed", delivery, text)
        raise
    tell("done", delivery, text)


async def _until_released(told: dict[str, str]) -> None:
    while "hold" in told and not (_log().parent / told["hold"]).exists():  # noqa: ASYNC110 - the test is another process
        await asyncio.sleep(0.01)


def words(text: str) -> dict[str, str]:
    """`a=1 b=2` as a mapping; other words are nobody's business."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def tell(what: str, delivery: Attempt, text: str) -> None:
    """One line, in one write: it is there also when the process is killed right after."""
    told = {
        "at": time.time(),
        "what": what,
        "key": delivery.key,
        "attempt": delivery.attempt,
        "crashes": delivery.crashes,
        "is_last": delivery.is_last,
        "text": text,
        "pid": os.getpid(),
    }
    with _log().open("ab", buffering=0) as log:
        log.write(json.dumps(told).encode() + b"\n")


def _log() -> Path:
    return Path(os.environ[LOG_VARIABLE])
