"""The headers of a request: which of them are stored with a delivery, and in which form."""

from __future__ import annotations

from collections.abc import Mapping

from anchorbolt.delivery import json_text

# What a listener may ask for when it runs from the inbox. Nothing that proves who sent it, and nothing of a proxy's.
# https://docs.slack.dev/apis/events-api/#errors has the two about Slack's retries.
KEPT = ("content-type", "user-agent", "x-slack-retry-num", "x-slack-retry-reason")


def kept(headers: Mapping[str, str]) -> str | None:
    """What is stored of the headers of a request, as a JSON object; None when it has none of those.

    `headers`: as in `Delivery.headers`, by their names in lower case.
    """
    found = {name: headers[name] for name in KEPT if name in headers}
    return json_text.write(found) if found else None


def restored(text: str | None) -> dict[str, str]:
    """The headers that `kept` wrote; empty for None, and for what `kept` did not write."""
    if not text:
        return {}
    try:
        found = json_text.read(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
