"""Finds out in which call of Slack's Web API an error was raised, and whether that call changes something at Slack."""

from __future__ import annotations

import re
from types import FrameType

# The last part of a method that only reads: https://docs.slack.dev/reference/methods
_READS = re.compile(
    r"(list|info|get\w*|history|replies|members|test|conversations|identity|lookup\w*|search\w*|presence|messages"
    r"|files|all|\w*Info|\w*Logs|\w*Lookup|\w*List|retrieve)"
)
# A message to a `response_url` is sent by slack_sdk's webhook client.
RESPOND = "respond"


def method_of(error: BaseException) -> str | None:
    """Returns the method of the Web API (`chat.postMessage`) whose call an error passed through, or `respond`.

    It is read from the frames of the traceback, so that it works for every client of slack_sdk's, synchronous ones and
    the team's own included. None: the error was raised in no such call.
    """
    entry = error.__traceback__
    while entry is not None:
        if (method := _of_frame(entry.tb_frame)) is not None:
            return method
        entry = entry.tb_next
    return None


def changes_something(method: str | None) -> bool:
    """Returns whether a call of this method changes something at Slack; a method that is not known does."""
    return method is not None and _READS.fullmatch(method.rpartition(".")[2]) is None


def _of_frame(frame: FrameType) -> str | None:
    module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
    if name == "api_call" and module.startswith(("slack_sdk.web.", "anchorbolt.bolt.web_api.")):
        method = frame.f_locals.get("api_method")
        return method if isinstance(method, str) else None
    return RESPOND if name == "send_dict" and module.startswith("slack_sdk.webhook.") else None
