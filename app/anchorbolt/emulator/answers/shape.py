"""The shapes that answers share: a refusal, a page, an argument inside a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

Arguments = Mapping[str, Any]
Answer = dict[str, Any]


def failed(error: str) -> Answer:
    """Slack's way to say no."""
    return {"ok": False, "error": error}


def page(name: str, found: list[Any]) -> Answer:
    """A page with everything on it."""
    return {"ok": True, name: found, "has_more": False, "response_metadata": {"next_cursor": ""}}


def decoded(value: Any) -> Any:
    """An argument that is JSON inside a form, decoded."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
