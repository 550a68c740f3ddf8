"""The parts that answers share: an error, a page, an argument inside a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

Arguments = Mapping[str, Any]
Answer = dict[str, Any]


def failed(error: str) -> Answer:
    """An answer of Slack's that says that a call failed."""
    return {"ok": False, "error": error}


def page(name: str, found: list[Any]) -> Answer:
    """An answer with one page that holds all there is."""
    return {"ok": True, name: found, "has_more": False, "response_metadata": {"next_cursor": ""}}


def decoded(value: Any) -> Any:
    """Decodes an argument that is JSON inside a form; any other argument is returned as it is."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
