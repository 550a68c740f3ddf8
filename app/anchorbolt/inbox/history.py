"""The history of a delivery: a line of JSON for each attempt that did not end well, in its column `history`.

It is erased with the body. An attempt that ended with its process left no line: `crashes` counts those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Past:
    """One attempt. `started_at`: seconds since 1970, by the clock of its pod. `seconds`: how long it took."""

    attempt: int
    listener: str | None
    pod: str
    started_at: float
    seconds: float
    outcome: str
    reason: str | None
    error: str | None
    traceback: str | None


FIELDS = tuple(field.name for field in fields(Past))


def line(past: Past) -> str:
    """Writes an attempt as a line of the history."""
    return orjson.dumps(past).decode() + "\n"


def read(history: str | None, decrypt: Callable[[str], str] = lambda line: line) -> list[Past]:
    """Reads a history, the oldest attempt first. It leaves out what another version has written otherwise.

    `decrypt`: a line. Raises what that raises.
    """
    found = []
    for text in (history or "").split("\n"):
        plain = decrypt(text)
        try:
            written: Any = orjson.loads(plain)
            found.append(Past(*(written.get(name) for name in FIELDS)))
        except (ValueError, AttributeError):
            continue
    return found
