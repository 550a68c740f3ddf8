"""What an error from the Web API means for the next attempt."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from anchorbolt.bolt.slack_words import PERMANENT, TRANSIENT

# As Slack writes its words; what is none may be text of whoever answered instead of Slack.
_WORD = re.compile(r"[a-z0-9_.:-]{1,64}")
# Slack's word for a token without a scope; beside it Slack names the scopes of which one would do.
MISSING_SCOPE = "missing_scope"
_SCOPES = re.compile(r"[a-z0-9_.:, -]{1,200}")


def word(error: BaseException) -> str | None:
    """Slack's own word for the error, such as `channel_not_found`."""
    if not isinstance(error, SlackApiError):
        return None
    # Its own get() raises for a body that was no JSON: the page of a proxy, or of a Slack that is down.
    answer = getattr(error.response, "data", error.response)
    said = answer.get("error") if isinstance(answer, dict) else None
    return said if isinstance(said, str) else None


def needed(error: BaseException) -> str | None:
    """The scopes that Slack says a call needs, and the token does not have; None where it does not say so."""
    if word(error) != MISSING_SCOPE:
        return None
    answer: Any = getattr(error, "response", None)
    said = getattr(answer, "data", answer).get("needed")
    return said if isinstance(said, str) and _SCOPES.fullmatch(said) else None


def is_slacks(error: BaseException) -> bool:
    """Whether it is the Web API's answer, or that of a proxy on the way to it."""
    return isinstance(error, SlackApiError)


def status(error: BaseException) -> int | None:
    """The HTTP status of Slack's last answer, if it gave one."""
    if not isinstance(error, SlackApiError):
        return None
    # The synchronous client has a dictionary there; where a body could not be read, it is aiohttp's own response.
    answer: Any = error.response
    for name in ("status_code", "status"):
        found = answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)
        if isinstance(found, int):
            return found
    return None


def is_transient(error: BaseException, more: Collection[str] = ()) -> bool | None:
    """Whether another attempt may succeed; None for an error that is not Slack's.

    A word decides where there is one that is known, else the status. An answer without a word is not Slack's own: it is
    the page of a proxy, or of a Slack that is down.

    Args:
        error: any error.
        more: further words that are transient.
    """
    if not isinstance(error, SlackApiError):
        return None
    said, code = word(error), status(error)
    if said in TRANSIENT or said in more:
        return True
    if said in PERMANENT or code is None:
        return False
    is_busy = code in (408, 425, 429) or code >= 500
    return is_busy if said is not None or code >= 400 else True


def unknown_word(error: BaseException) -> str | None:
    """Returns Slack's word if it is in none of the two lists; `other` for what does not look like a word."""
    said = word(error)
    return None if said is None or said in TRANSIENT or said in PERMANENT else label(said)


def label(said: str) -> str:
    """Returns Slack's word as the value of a label; `other` for what does not look like a word."""
    return said if _WORD.fullmatch(said) else "other"


def retry_after_seconds(error: BaseException) -> float | None:
    """Returns the seconds of the Retry-After header of the answer that an error is about, if there is one.

    Not Slack's errors alone: those of other HTTP clients have `response.headers` or `headers` as well.
    """
    answer: Any = getattr(error, "response", None)
    headers = answer.get("headers") if isinstance(answer, Mapping) else getattr(answer, "headers", None)
    headers = headers or getattr(error, "headers", None)
    return retry_after(headers) if isinstance(headers, Mapping) else None


def retry_after(headers: Mapping[Any, Any]) -> float | None:
    """Returns the seconds of the Retry-After header, if there is one; its value may be a list with one in it."""
    for name, found in headers.items():
        if str(name).lower() == "retry-after":
            value = found[0] if isinstance(found, list) and found else found
            try:
                seconds = float(value)
            except (ValueError, TypeError):  # a date is allowed too, and Slack sends none
                return None
            return seconds if 0 <= seconds < math.inf else None  # the lane must not wait for ever
    return None
