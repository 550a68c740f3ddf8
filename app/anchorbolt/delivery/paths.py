"""Where a payload holds its identifiers, and how they look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]

# One of Slack's ids, such as C0123ABC456.
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The `ts` of a message, which is its id within its channel.
TS = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def text_named(values: Mapping[str, Any], name: str) -> str | None:
    """The value of that name, if it is a string that is not empty; else None."""
    value = values.get(name)
    return value if isinstance(value, str) and value else None


def first(payload: Any, paths: tuple[Path, ...]) -> str | None:
    """The value at the first path that leads to a string that is not empty; None when no path does."""
    for path in paths:
        value = payload
        for name in path:
            if not isinstance(value, dict):
                break
            value = value.get(name)
        else:
            if isinstance(value, str) and value:
                return value
    return None


def identifier(payload: Any, paths: tuple[Path, ...]) -> str | None:
    """What `first` finds, if it looks like one of Slack's ids; else None, and no later path takes its place."""
    return as_identifier(first(payload, paths))


def as_identifier(found: str | None) -> str | None:
    """A text that was found, if it looks like one of Slack's ids; else None, as for None."""
    if found is None:
        return None
    # Nearly all of Slack's ids could be names in Python too: to ask for that takes a third of the time.
    if (found.isidentifier() and found.isascii() and len(found) <= 64) or IDENTIFIER.fullmatch(found):
        return found
    return None
