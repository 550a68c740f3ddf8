"""Listeners for LISTENERS=bench.on_call.listeners: the first word of a message says which one takes it.

free    calls nothing: it is the one that must go on whatever happens to the others
post    calls chat.postMessage
read    calls users.info, which nobody limits
hang, block, bug    end well, unless there is a file of that name beside the log
never   fails with an error that looks as if it passes by itself, for an event that says so
leak    takes memory until its process is killed, as the kernel does it at the limit of a container
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from anchorbolt.delivery import Attempt
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.listeners import LOG_VARIABLE, tell

LEAK_BYTES = 100_000_000
BLOCK_SECONDS = 2.0
NEVER_SECONDS = 3_600.0


def register(app: AsyncApp) -> None:
    """One listener a word, so that each has its own name."""
    for listener in (free, post, read, hang, block, bug, leak, never):
        app.event("app_mention", matchers=[_begins_with(listener.__name__)])(listener)


async def free(event: dict[str, Any], delivery: Attempt) -> None:
    with _told(event, delivery):
        pass


async def post(event: dict[str, Any], delivery: Attempt, client: AsyncWebClient) -> None:
    with _told(event, delivery):
        await client.chat_postMessage(channel=event["channel"], text="on call")


async def read(event: dict[str, Any], delivery: Attempt, client: AsyncWebClient) -> None:
    with _told(event, delivery):
        await client.users_info(user=event["user"])


async def hang(event: dict[str, Any], delivery: Attempt) -> None:
    with _told(event, delivery):
        if _is_on("hang"):
            await asyncio.sleep(NEVER_SECONDS)


async def block(event: dict[str, Any], delivery: Attempt) -> None:
    with _told(event, delivery):
        if _is_on("block"):
            time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251 - that is what is wrong with it


async def bug(event: dict[str, Any], delivery: Attempt) -> None:
    with _told(event, delivery):
        if _is_on("bug"):
            raise ValueError("a bad release")


async def never(event: dict[str, Any], delivery: Attempt) -> None:
    with _told(event, delivery):
        if "poison" in event["text"]:
            raise ConnectionError("an answer of 500 for this payload")


async def leak(event: dict[str, Any], delivery: Attempt) -> None:
    with _told(event, delivery):
        taken = bytearray(LEAK_BYTES)
        taken[::4096] = b"x" * len(taken[::4096])
        os.kill(os.getpid(), signal.SIGKILL)


class _told:
    """Tells the log that the run began, and how it ended."""

    def __init__(self, event: dict[str, Any], delivery: Attempt) -> None:
        self._text = event["text"]
        self._delivery = delivery

    def __enter__(self) -> None:
        tell("start", self._delivery, self._text)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            tell("done", self._delivery, self._text)
        else:
            tell("failed" if issubclass(kind, Exception) else "cancelled", self._delivery, self._text)


def _begins_with(word: str) -> Callable[..., Awaitable[bool]]:
    async def matches(event: dict[str, Any]) -> bool:
        return str(event.get("text", "")).startswith(word)

    return matches


def _is_on(name: str) -> bool:
    return (Path(os.environ[LOG_VARIABLE]).parent / name).exists()
