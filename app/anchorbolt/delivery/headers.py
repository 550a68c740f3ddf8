"""The headers of a request: which of them are stored with a delivery, and in which form."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from anchorbolt.delivery import json_text

# What a listener may ask for when it runs from the inbox. Nothing that proves who sent it, and nothing of a proxy's.
# https://docs.slack.dev/apis/events-api/#errors has the two about Slack's retries.
RETRY_NUM = "x-slack-retry-num"
KEPT = ("content-type", "user-agent", RETRY_NUM, "x-slack-retry-reason")

# Of the proxy, which writes it into its own log; without one we make it. It is stored too, so that the lines of a run
# say it in whichever pod it runs.
REQUEST_ID = "x-request-id"
_RAW_REQUEST_ID = REQUEST_ID.encode()
_USABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")

_RAW = [(name.encode(), name) for name in KEPT]


def kept(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """Returns those headers of a request that a delivery keeps. `headers`: by their names in lower case."""
    found = {}
    for raw, name in _RAW:
        value = headers.get(raw)
        if value is not None:
            found[name] = value.decode("latin-1")
    return found


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """Returns the X-Request-Id of a request; a new one where it has none, or none that is short and printable ASCII."""
    given = headers.get(_RAW_REQUEST_ID)
    if given is not None and _USABLE_ID.fullmatch(given):
        return given.decode("ascii")
    # It names a request and protects nothing: the system's randomness would take ten times as long.
    return random.randbytes(16).hex()


def written(headers: dict[str, str]) -> str | None:
    """Returns a delivery's headers as the JSON object that is stored; None where it has none."""
    return json_text.write(headers) if headers else None


def restored(text: str | None) -> dict[str, str]:
    """Returns the headers that `written` wrote; none for None, and for what `written` did not write."""
    if not text:
        return {}
    try:
        found = json_text.read(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
