"""The script: answers that a test sets in place of the usual ones, such as errors, delays and lost connections."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ANY_METHOD = "*"


class Line(BaseModel):
    """One line of the script: how a method answers, `times` times (None: until the script is cleared).

    An `error` is answered with status 200, `ratelimited` with 429 and `Retry-After`. A `status` without an error is
    answered with a body that is no JSON, as by a broken server. An `answer` is what the body holds beside `"ok": true`,
    or beside an `error`, such as `needed`.
    `delay_seconds` delays the answer, also the usual one.
    `no_answer` answers nothing: `close` closes the connection, and `timeout` keeps it open until the app gives up,
    at most a minute. With `performed`, the call was performed all the same, and only its answer is lost.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = ANY_METHOD
    times: Annotated[int, Field(ge=1)] | None = 1
    error: Annotated[str, Field(min_length=1)] | None = None
    answer: dict[str, Any] | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after_seconds: Annotated[int, Field(ge=0)] = 1
    delay_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    no_answer: Literal["timeout", "close"] | None = None
    performed: bool = False

    @property
    def replaces(self) -> bool:
        """Whether something else than the usual answer is sent."""
        return bool(self.error or self.status or self.no_answer or self.answer is not None)


class Script:
    """The lines that are not used up. For each call, the oldest line for its method is taken."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: Line) -> None:
        """Adds a line after the others."""
        self._lines.append(line)

    def clear(self) -> None:
        """Removes all lines, so that calls are answered as usual."""
        self._lines.clear()

    def waiting(self) -> list[Line]:
        """Copies of the lines that are not used up; `times` is how often each may still be taken."""
        return [line.model_copy() for line in self._lines]

    def next_for(self, method: str) -> Line | None:
        """Takes the line for a call of this method. Returns None where there is none."""
        for line in self._lines:
            if line.method in (method, ANY_METHOD):
                if line.times is not None:
                    line.times -= 1
                    if line.times == 0:
                        self._lines.remove(line)
                return line
        return None
