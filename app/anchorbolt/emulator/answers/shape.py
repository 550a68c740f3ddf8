"""The parts that answers share: an error, a page, an argument inside a form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from anchorbolt.emulator.state.workspace import Workspace

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
Answering = Callable[[Arguments, Workspace, float], Answer]
"""What answers a method: its arguments, the state, and the time in seconds since 1970."""

LIMIT = 100
_MOST = 1000
_CURSOR = "next:"


def failed(error: str) -> Answer:
    """An answer of Slack's that says that a call failed."""
    return {"ok": False, "error": error}


def invalid(*messages: str) -> Answer:
    """The answer to wrong arguments, with Slack's explanations of what is wrong."""
    told = [f"[ERROR] {message}" for message in messages]
    return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": told}}


def missing(arguments: Arguments, *names: str) -> Answer | None:
    """The answer where one of these arguments is missing, or None where all are there."""
    absent = [f"missing required field: {name}" for name in names if arguments.get(name) in (None, "")]
    return invalid(*absent) if absent else None


def page(name: str, found: Sequence[Any], arguments: Arguments) -> Answer:
    """The page of a list that `cursor` and `limit` ask for, with the cursor of the next one."""
    begin = 0
    if cursor := arguments.get("cursor"):
        try:
            text = base64.b64decode(str(cursor), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return failed("invalid_cursor")
        if not text.startswith(_CURSOR) or not text[len(_CURSOR) :].isdecimal():
            return failed("invalid_cursor")
        begin = int(text[len(_CURSOR) :])
    limit = number(arguments, "limit", LIMIT)
    if not 0 <= limit <= _MOST:
        return failed("invalid_limit")
    end = begin + (limit or LIMIT)
    following = base64.b64encode(f"{_CURSOR}{end}".encode()).decode() if end < len(found) else ""
    return {"ok": True, name: list(found[begin:end]), "response_metadata": {"next_cursor": following}}


def decoded(value: Any) -> Any:
    """Decodes an argument that is JSON inside a form; any other argument is returned as it is."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def number(arguments: Arguments, name: str, default: int = 0) -> int:
    """A whole number, which a form holds as text; the default where there is none or it is no number."""
    try:
        return int(arguments.get(name) or default)
    except (TypeError, ValueError):
        return default


def is_ts(value: str) -> bool:
    """Whether a text has the form of a message's `ts`: `1700000000.000100`."""
    return value.replace(".", "", 1).isdecimal()


def flag(arguments: Arguments, name: str, *, default: bool = False) -> bool:
    """Whether a flag is set, which a form holds as `1` or `true`."""
    value = arguments.get(name)
    return default if value is None or value == "" else str(value).lower() in ("1", "true")


def listed(value: Any) -> list[str]:
    """A list of ids, which Slack also takes as a text with commas and as JSON inside a form."""
    found = decoded(value)
    if isinstance(found, str):
        found = found.split(",")
    return [str(part).strip() for part in found if str(part).strip()] if isinstance(found, list) else []
