"""Values of slack_sdk's columns, as drivers and JSON give them: times, scopes, texts and truths."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any


class BadValueError(ValueError):
    """A value that cannot be read. It names the column, and never the value."""


def text(value: Any) -> str | None:
    """Returns a text; None for one that is empty, as in slack_sdk's sqlite3 tables, and for what is no text.

    Half of a surrogate pair becomes `?`, and a null character is left out: one row must not end the whole import.
    """
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode().replace("\0", "") or None


def truth(value: Any) -> bool:
    """Returns whether it is true: drivers give booleans, numbers or words."""
    return value in (True, 1, "1", "t", "true", "True")


def scopes(value: Any) -> tuple[str, ...]:
    """Returns scopes, from a list or from a text with commas."""
    parts = value.split(",") if isinstance(value, str) else value or ()
    return tuple(name for part in parts if (name := str(part).strip()))


def seconds(value: Any, column: str) -> float | None:
    """Returns a time as seconds since 1970; None for none. A time without a zone is UTC, as slack_sdk writes it.

    Raises BadValueError.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            value = float(value) if value.replace(".", "", 1).isdecimal() else datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        found = float(value)
        if math.isfinite(found):
            return found
        raise BadValueError(f"{column} is no time")
    except (TypeError, ValueError, OverflowError):
        raise BadValueError(f"{column} is no time") from None
