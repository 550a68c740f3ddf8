"""What became of a request that a test has sent: the answer to Slack, the Web API calls, the error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anchorbolt.emulator import calls as emulator_calls

# Arguments that slack_sdk writes as JSON into a form where it sends one.
_JSON_ARGUMENTS = frozenset(
    {"attachments", "blocks", "chunks", "files", "metadata", "outputs", "prompts", "unfurls", "view"}
)


@dataclass(frozen=True, slots=True)
class Call:
    """One Web API call. `method` is Slack's name of it (`chat.postMessage`), or `response_url` for a respond()."""

    method: str
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any] = field(repr=False)
    status: int = 200

    def __getitem__(self, argument: str) -> Any:
        """Returns an argument. Raises KeyError."""
        return self.arguments[argument]

    @classmethod
    def of(cls, call: emulator_calls.Call) -> Call:
        """Makes one of a call that the emulator has noted."""
        arguments = {name: _read(name, value) for name, value in call.arguments.items()}
        return cls(call.method, arguments, call.answer, call.status)


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack is answered, and what was done until all of the run had ended.

    Attributes:
        status: the HTTP status that Slack gets: 200 for an event, whatever its listener does; 404 where no listener
            listens to anything else.
        body: the body of the answer, as text.
        listener: the name of the listener that ran, None where there is none.
        calls: the Web API calls, in their order, those of lazy functions and threads among them.
        error: what the listener raised and no error handler handled; None where it ended well.
    """

    status: int
    body: str
    listener: str | None
    calls: tuple[Call, ...]
    error: Exception | None = None

    @property
    def json(self) -> Any:
        """The body as JSON, for example `{"response_action": "errors", ...}`; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The text that the user sees of the answer: that of a JSON body, or the body itself."""
        found = self.json
        return str(found.get("text", "")) if isinstance(found, dict) else self.body

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in their order."""
        return [call.method for call in self.calls]

    def call(self, method: str) -> Call:
        """Returns the one call of a method. Raises AssertionError where there is none, or more than one."""
        found = [call for call in self.calls if call.method == method]
        if len(found) != 1:
            made = ", ".join(self.methods) or "none"
            raise AssertionError(f"{len(found)} calls of {method}; those that were made: {made}")
        return found[0]


def _read(name: str, value: Any) -> Any:
    if name in _JSON_ARGUMENTS and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
