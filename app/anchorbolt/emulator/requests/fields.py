"""Reads the fields of a request that somebody wrote down, and refuses those that it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Request = Mapping[str, Any]


class RequestFormatError(ValueError):
    """A request is written down in a way that cannot be meant; the message says what to write instead."""


class Fields:
    """The fields of one request beside the one that names its kind. Each is read once; `finish` refuses the rest."""

    def __init__(self, kind: str, fields: Mapping[str, Any]) -> None:
        """`kind`: the field that names the kind of the request: command, event, action, ..."""
        self.kind = kind
        self._left = dict(fields)
        self._known: list[str] = []

    def take(self, name: str, default: Any = None) -> Any:
        """Returns a field of any type, or the default where it is not there."""
        self._known.append(name)
        return self._left.pop(name, default)

    def text(self, name: str, default: str) -> str:
        """Returns a field that is text. A whole number is taken for its digits. Raises RequestFormatError."""
        value = self.text_or_none(name)
        return default if value is None else value

    def text_or_none(self, name: str) -> str | None:
        """Returns a field that is text, or None where it is not there. Raises RequestFormatError."""
        value = self.take(name)
        return value if value is None else as_text(f"{self.kind}: {name}", value)

    def mapping(self, name: str) -> dict[str, Any]:
        """Returns a field that is a mapping, {} where it is not there. Raises RequestFormatError."""
        value = self.take(name, {})
        if not isinstance(value, Mapping):
            raise RequestFormatError(f"{self.kind}: {name} is a mapping, not {value!r}")
        return dict(value)

    def rest(self) -> Iterator[tuple[str, Any]]:
        """Takes all fields that are left, for a kind that may have any."""
        while self._left:
            name = next(iter(self._left))
            yield name, self._left.pop(name)

    def finish(self) -> None:
        """Raises RequestFormatError for the fields that nobody has read."""
        if self._left:
            unknown = ", ".join(map(str, self._left))
            raise RequestFormatError(
                f"{self.kind} has no field {unknown}: it has {', '.join(sorted(set(self._known)))}; what else Slack's"
                " payload shall hold goes into payload"
            )


def as_text(what: str, value: Any) -> str:
    """Returns text as it is, and a whole number as its digits. Raises RequestFormatError, which names `what`."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RequestFormatError(f"{what} is text, not {value!r}: put it in quotes")


def merged(payload: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the payload with the changes in it; mappings are merged, everything else is replaced."""
    made = dict(payload)
    for name, value in changes.items():
        old = made.get(name)
        made[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return made
