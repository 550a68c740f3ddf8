"""The Slack of a test: it answers as the emulator does, or as the test says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.script import Line
from anchorbolt.testing.answer import Call
from anchorbolt.testing.loop_thread import LoopThread


class Slack:
    """The emulator behind every Web API client of a test."""

    def __init__(self, emulator: Emulator, loop: LoopThread) -> None:
        self._emulator = emulator
        self._loop = loop

    @property
    def url(self) -> str:
        """The address of its Web API, for a client that a test makes itself."""
        return self._emulator.api_url

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls since the test began, in their order."""
        return self.calls_since(0)

    def calls_since(self, number: int) -> tuple[Call, ...]:
        """The calls that came after so many."""
        return tuple(Call.of(call) for call in self._emulator.calls.since(number))

    def script(
        self,
        method: str,
        *,
        error: str | None = None,
        status: int | None = None,
        answer: Mapping[str, Any] | None = None,
        times: int | None = 1,
        retry_after_seconds: int = 1,
        delay_seconds: float = 0,
    ) -> None:
        """Says how the next calls of a method are answered.

        Args:
            method: Slack's name of it, `response_url` for a respond(), `*` for every method.
            error: an error word such as `channel_not_found`; `ratelimited` is a 429 with `Retry-After`.
            status: an HTTP status, such as 500; its body is no JSON then.
            answer: what the answer holds beside `"ok": true`.
            times: how many calls; None: all until the test ends.
            retry_after_seconds: the `Retry-After` of a 429.
            delay_seconds: how long the answer is delayed, also the usual one.

        Raises ValueError where one of them cannot be meant.
        """
        line = Line(
            method=method,
            error=error,
            status=status,
            answer=None if answer is None else dict(answer),
            times=times,
            retry_after_seconds=retry_after_seconds,
            delay_seconds=delay_seconds,
        )
        self._loop.run(self._add(line))

    def forget(self) -> None:
        """Forgets calls, messages and what `script` has said, as between two tests."""
        self._loop.run(self._forget())

    async def _add(self, line: Line) -> None:
        self._emulator.script.add(line)

    async def _forget(self) -> None:
        self._emulator.forget()
