"""The app's log, line by line, as `dev` understands it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DELIVERY_ENDED = "delivery ended"

_LOUD = ("warning", "error", "critical")
_NOT_FOR_PEOPLE = ("event", "level", "logger", "timestamp", "exception")


@dataclass(frozen=True, slots=True)
class Ended:
    """What the app says at the end of a delivery."""

    key: str | None
    kind: str
    listener: str | None
    outcome: str
    attempt: int
    duration_ms: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: JSON that the app logged, or text that somebody printed."""

    text: str
    fields: Mapping[str, Any]

    @property
    def is_loud(self) -> bool:
        """Whether a person should see it: warnings, errors, and everything that is no log line."""
        return not self.fields or str(self.fields.get("level", "")).lower() in _LOUD

    @property
    def ended(self) -> Ended | None:
        """The end of a delivery, if this line tells one."""
        if self.fields.get("event") != DELIVERY_ENDED:
            return None
        return Ended(
            key=self.fields.get("key"),
            kind=str(self.fields.get("kind", "")),
            listener=self.fields.get("listener"),
            outcome=str(self.fields.get("outcome", "")),
            attempt=int(self.fields.get("attempt") or 1),
            duration_ms=float(self.fields.get("duration_ms") or 0),
        )

    def __str__(self) -> str:
        """For people: level, what happened, and the rest as name=value."""
        if not self.fields:
            return self.text
        rest = [f"{name}={value}" for name, value in self.fields.items() if name not in _NOT_FOR_PEOPLE]
        told = " ".join([f"[{self.fields.get('level', 'log')}]", str(self.fields.get("event", "")), *rest])
        exception = self.fields.get("exception")
        return f"{told}\n{exception}" if exception else told


def parse(line: bytes) -> LogLine:
    """Any line, also one that is neither JSON nor UTF-8."""
    text = line.decode("utf-8", "replace").rstrip()
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    return LogLine(text, fields if isinstance(fields, dict) else {})
