"""The history of a delivery: a line of JSON for each attempt that did not end well, in its column `history`.

It is erased with the body. An attempt that ended with its process left no line: `crashes` counts those.
"""

from __future__ import annotations

from dataclasses import dataclass
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


FIELDS = ("attempt", "listener", "pod", "started_at", "seconds", "outcome", "reason", "error", "traceback")


def line(past: Past) -> str:
    """Writes an attempt as a line of the history."""
    return orjson.dumps({name: getattr(past, name) for name in FIELDS}).decode() + "\n"


def read(history: str | None) -> list[Past]:
    """Reads a history, the oldest attempt first. It leaves out what another version has written otherwise."""
    found = []
    for text in (history or "").split("\n"):
        try:
            fields: Any = orjson.loads(text)
            found.append(Past(*(fields.get(name) for name in FIELDS)))
        except (ValueError, AttributeError):
            continue
    return found
