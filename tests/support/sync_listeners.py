"""A synchronous App for LISTENERS=tests.support.sync_listeners: it writes down that its threads live.

The words in the text of an event are those of tests.support.listeners, of which it knows `hold=NAME` and `api=METHOD`.
While it holds, it says `alive` again and again: who reads the log sees until when the thread really ran.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from anchorbolt.delivery import Attempt
from slack_bolt import Ack, App
from slack_sdk import WebClient

from tests.support.listeners import EVERYTHING, LOG_VARIABLE, tell, words

app = App(token=os.environ.get("SLACK_BOT_TOKEN", "xoxb-made-up"), signing_secret="made-up")


@app.event(EVERYTHING)
def on_event(event: dict[str, Any], delivery: Attempt, client: WebClient) -> None:
    """Any event: what its text says."""
    _work(event.get("text", ""), delivery, client)


@app.command(re.compile(".*"))
def on_command(ack: Ack, command: dict[str, Any], delivery: Attempt, client: WebClient) -> None:
    """Any command: acknowledges first."""
    ack("taken")
    _work(command.get("text", ""), delivery, client)


def _work(text: str, delivery: Attempt, client: WebClient) -> None:
    told = words(text)
    tell("start", delivery, text)
    try:
        while "hold" in told and not _released(told["hold"]):
            tell("alive", delivery, text)
            if "api" in told:
                client.api_call(told["api"])
            time.sleep(0.05)
    except BaseException:
        tell("cancelled", delivery, text)
        raise
    tell("done", delivery, text)


def _released(name: str) -> bool:
    return (Path(os.environ[LOG_VARIABLE]).parent / name).exists()
