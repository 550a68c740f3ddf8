"""Parses the lines of the app's log for `dev`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DELIVERY_ENDED = "delivery ended"
# How lines about requests that nobody listens to begin (bolt/no_listener.py).
NO_LISTENER = "no listener for "

_LOUD = ("warning", "error", "critical")
_TRACEBACKS = ("exception", "traceback")  # of many lines
_NOT_FOR_PEOPLE = ("event", "level", "logger", "timestamp", *_TRACEBACKS)


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a delivery, as the app logs it."""

    key: str | None
    kind: str
    listener: str | None
    outcome: str
    attempt: int
    duration_ms: float
    reason: str | None = None

    @property
    def told(self) -> str:
        """The outcome, and why it is none that one wants: `failed: no_ack`."""
        return f"{self.outcome}: {self.reason}" if self.reason else self.outcome


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the app's output: JSON that it logged, or any other text."""

    text: str
    fields: Mapping[str, Any]

    @property
    def is_loud(self) -> bool:
        """Whether to show the line: warnings, errors, and every line that is no JSON."""
        return not self.fields or str(self.fields.get("level", "")).lower() in _LOUD

    @property
    def is_news(self) -> bool:
        """Whether to show the line though it is not loud: who develops wants to know what has no listener."""
        return str(self.fields.get("event", "")).startswith(NO_LISTENER)

    @property
    def ended(self) -> Ended | None:
        """The end of a delivery, if this line reports one."""
        if self.fields.get("event") != DELIVERY_ENDED:
            return None
        return Ended(
            key=self.fields.get("key"),
            kind=str(self.fields.get("kind", "")),
            listener=self.fields.get("listener"),
            outcome=str(self.fields.get("outcome", "")),
            attempt=int(self.fields.get("attempt") or 1),
            duration_ms=float(self.fields.get("duration_ms") or 0),
            reason=self.fields.get("reason"),
        )

    def __str__(self) -> str:
        """The line for a person: level, event, and the other fields as name=value."""
        if not self.fields:
            return self.text
        rest = [f"{name}={value}" for name, value in self.fields.items() if name not in _NOT_FOR_PEOPLE]
        told = " ".join([f"[{self.fields.get('level', 'log')}]", str(self.fields.get("event", "")), *rest])
        return "\n".join([told, *(str(self.fields[name]).rstrip() for name in _TRACEBACKS if self.fields.get(name))])


def parse(line: bytes) -> LogLine:
    """Parses any line, also one that is neither JSON nor UTF-8."""
    text = line.decode("utf-8", "replace").rstrip()
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    return LogLine(text, fields if isinstance(fields, dict) else {})
