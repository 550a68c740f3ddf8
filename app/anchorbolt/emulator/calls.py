"""The Web API calls that the app made: the newest are kept, and all are counted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from anchorbolt.emulator.tokens import team_of

KEPT = 1000

_REDACTED = "[redacted]"
_SECRET_STARTS = ("xox", "xapp-", "xwfp-", "xoxe")
_SECRET_NAMES = ("token", "secret", "password", "authorization")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a Web API method: `at` is seconds since 1970, `number` counts from 1 and never starts again."""

    number: int
    method: str
    arguments: Mapping[str, Any] = field(repr=False)
    status: int
    answer: Mapping[str, Any]
    at: float
    token: str = field(default="", repr=False)

    @property
    def team(self) -> str | None:
        """The id of the workspace whose token the call was made with; None for a call without one."""
        return team_of(self.token) if self.token else None

    def public(self) -> dict[str, Any]:
        """The call with its tokens and secrets redacted, for display."""
        return {
            "number": self.number,
            "method": self.method,
            "arguments": redacted(self.arguments),
            "status": self.status,
            "answer": redacted(self.answer),
            "at": self.at,
            "team": self.team,
        }


class Calls:
    """A ring buffer of calls. Secrets are redacted when calls are read, so that recording one stays cheap."""

    def __init__(self, kept: int = KEPT) -> None:
        self._ring: deque[Call] = deque(maxlen=kept)
        self.count = 0
        self.by_method: Counter[str] = Counter()

    def note(
        self,
        method: str,
        arguments: Mapping[str, Any],
        status: int,
        answer: Mapping[str, Any],
        at: float,
        *,
        token: str = "",
    ) -> None:
        """Records a call that was answered, and drops the oldest one where the buffer is full.

        `at`: when it was answered, in seconds since 1970. `token`: by which the call names its workspace; it is not
        shown.
        """
        self.count += 1
        self.by_method[method] += 1
        self._ring.append(Call(self.count, method, arguments, status, answer, at, token))

    def since(self, number: int = 0, method: str | None = None) -> Iterator[Call]:
        """The kept calls with a higher number than this, the oldest first, of one method or of all."""
        return (call for call in tuple(self._ring) if call.number > number and method in (None, call.method))

    def clear(self) -> None:
        """Drops the kept calls and the counts by method. The numbers of calls go on."""
        self._ring.clear()
        self.by_method.clear()


def redacted(value: Any, name: str = "") -> Any:
    """The value without its secrets, which are known by the name of a field or by their prefix."""
    if isinstance(value, Mapping):
        return {key: redacted(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    if isinstance(value, str) and (name.lower().endswith(_SECRET_NAMES) or value.startswith(_SECRET_STARTS)):
        return _REDACTED
    return value
