"""What the stand-in was told to answer instead: Slack's bad days, for tests."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ANY_METHOD = "*"


class Line(BaseModel):
    """One line of the script: how a method answers, `times` times (None: until the script is cleared).

    Slack's `error` goes out with a 200, `ratelimited` with a 429 and `Retry-After`. A `status` alone is a broken
    server: no JSON. `delay_seconds` comes before any answer; alone, it delays the usual one.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = ANY_METHOD
    times: Annotated[int, Field(ge=1)] | None = 1
    error: Annotated[str, Field(min_length=1)] | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after_seconds: Annotated[int, Field(ge=0)] = 1
    delay_seconds: Annotated[float, Field(ge=0, le=60)] = 0


class Script:
    """The lines that still wait, by method: first in, first played."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: Line) -> None:
        """Adds a line after those that wait."""
        self._lines.append(line)

    def clear(self) -> None:
        """Back to a good day."""
        self._lines.clear()

    def waiting(self) -> list[Line]:
        """The lines that are not used up, with the times that are left."""
        return [line.model_copy() for line in self._lines]

    def next_for(self, method: str) -> Line | None:
        """The line that this call gets, if any; it is used up by one."""
        for line in self._lines:
            if line.method in (method, ANY_METHOD):
                if line.times is not None:
                    line.times -= 1
                    if line.times == 0:
                        self._lines.remove(line)
                return line
        return None
