"""The headers of a request: which of them are stored with a delivery, and in which form."""

from __future__ import annotations

from collections.abc import Mapping

from anchorbolt.delivery import json_text

# What a listener may ask for when it runs from the inbox. Nothing that proves who sent it, and nothing of a proxy's.
# https://docs.slack.dev/apis/events-api/#errors has the two about Slack's retries.
KEPT = ("content-type", "user-agent", "x-slack-retry-num", "x-slack-retry-reason")


_RAW = [(name.encode(), name) for name in KEPT]


def kept(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """Returns those headers of a request that a delivery keeps. `headers`: by their names in lower case."""
    return {name: headers[raw].decode("latin-1") for raw, name in _RAW if raw in headers}


def written(headers: Mapping[str, str]) -> str | None:
    """Returns a delivery's headers as the JSON object that is stored; None where it has none."""
    return json_text.write(dict(headers)) if headers else None


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
