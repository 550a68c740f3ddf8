"""Rate gates: after Slack has limited a method for a workspace, calls of it wait here instead of asking again.

A gate is shut for as long as Slack's Retry-After says. Then calls leave one after the other, some time apart; the time
becomes shorter with each that succeeds, and longer with each that is limited again. A gate through which nothing waits
any more, at a pace that is fast enough, is forgotten. https://docs.slack.dev/apis/web-api/rate-limits/
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from anchorbolt.bolt import slack_error
from anchorbolt.bolt.web_api.calls import CALLS, OF_NO_RUN, Calls
from anchorbolt.telemetry.logs import get_logger

log = get_logger("web_api")

# The pace behind a gate: Slack allows a method about one call a second, or up to two.
FIRST_APART_SECONDS = 1.0
LONGEST_APART_SECONDS = 10.0
# At this pace nobody needs to wait.
APART_OF_AN_OPEN_GATE = 0.05
FASTER, SLOWER = 0.9, 2.0
# Slack always says how long; this is for who stands in its place.
DEFAULT_RETRY_AFTER_SECONDS = 1.0

Key = tuple[str, str]  # the method, and the workspace or ""


class Gate:
    """One method for one workspace."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next_at = 0.0  # when the next call may leave
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.shut_until = 0.0
        self.apart_seconds = FIRST_APART_SECONDS / SLOWER

    @property
    def is_shut(self) -> bool:
        """Whether no call may leave at all, because Slack said so."""
        return self._clock() < self.shut_until

    @property
    def is_needed(self) -> bool:
        """Whether calls wait, or would have to."""
        return self.is_shut or bool(self._waiting) or self.apart_seconds > APART_OF_AN_OPEN_GATE

    def shut(self, seconds: float, apart_seconds: float | None = None) -> None:
        """Lets no call leave for so long. `apart_seconds`: the pace after that; None: slower than before."""
        self.shut_until = max(self.shut_until, self._clock() + seconds)
        self.apart_seconds = apart_seconds or min(LONGEST_APART_SECONDS, self.apart_seconds * SLOWER)

    def passed(self) -> None:
        """Notes that a call was not limited: the next ones may leave faster."""
        self.apart_seconds *= FASTER

    async def turn(self, calls: Calls) -> None:
        """Waits until a call may leave. The run of the call lends out its slot meanwhile."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._plan()
        calls.begin_wait()
        try:
            await turn
        finally:
            calls.end_wait()

    def _plan(self) -> None:
        if self._timer is None and self._waiting:
            wait = max(self.shut_until, self._next_at) - self._clock()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._release)

    def _release(self) -> None:
        self._timer = None
        if self._clock() >= max(self.shut_until, self._next_at):
            while self._waiting:
                turn = self._waiting.popleft()
                if not turn.done():  # else its run was cut short
                    turn.set_result(None)
                    self._next_at = self._clock() + self.apart_seconds
                    break
        self._plan()


class Gates:
    """All gates of a process. `on_limit`: told of method, workspace, seconds and pace, for the other processes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.on_limit: Callable[[str, str, float, float], None] = lambda *_: None
        self._clock = clock
        self.all: dict[Key, Gate] = {}  # mostly there is none

    @property
    def shut(self) -> int:
        """How many gates are shut."""
        return sum(gate.is_shut for gate in self.all.values())

    def find(self, method: str, workspace: str) -> Gate | None:
        """Returns the gate that a call has to pass; None: it may leave."""
        gate = self.all.get((method, workspace))
        if gate is None or gate.is_needed:
            return gate
        del self.all[method, workspace]
        log.info("rate gate open", method=method, workspace=workspace)
        return None

    def is_shut_for(self, method: str, workspace: str, seconds: float) -> bool:
        """Returns whether calls of a `method` for a `workspace` wait for at least so many `seconds` more."""
        gate = self.all.get((method, workspace))
        return gate is not None and gate.shut_until >= self._clock() + seconds

    def limited(self, method: str, workspace: str, seconds: float) -> Gate:
        """Shuts the gate of a `method` for a `workspace` after an answer of 429, and returns it.

        `seconds`: the Retry-After of the answer. Other processes are told of it.
        """
        gate = self.learn(method, workspace, seconds)
        self.on_limit(method, workspace, seconds, gate.apart_seconds)
        return gate

    def learn(self, method: str, workspace: str, seconds: float, apart_seconds: float | None = None) -> Gate:
        """Shuts the gate of a `method` for a `workspace` for so many `seconds`, and returns it.

        It does not tell other processes, so it is also used for what another one has told.
        `apart_seconds`: how far apart calls leave after that; None: slower than before.
        """
        gate = self.all.get((method, workspace))
        if gate is None:
            gate = self.all[method, workspace] = Gate(self._clock)
        if not gate.is_shut:
            log.warning("rate gate shut: Slack limits a method", method=method, workspace=workspace, seconds=seconds)
        gate.shut(seconds, apart_seconds)
        return gate


class WaitAtTheGate(AsyncRateLimitErrorRetryHandler):
    """slack_sdk's handler of 429, which waits at the gate, and has a call sent again as often as that takes."""

    def __init__(self, gates: Gates) -> None:
        super().__init__(max_retry_count=10_000)
        self._gates = gates

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """slack_sdk's own hook: waits until the request may be sent again."""
        calls = CALLS.get() or OF_NO_RUN
        method = str(request.url).rpartition("/")[2]
        asked = slack_error.retry_after(response.headers) if response is not None else None
        seconds = asked if asked is not None else DEFAULT_RETRY_AFTER_SECONDS
        gate = self._gates.limited(method, calls.workspace, seconds)
        await gate.turn(calls)
        calls.refuse_if_closed(method)
        state.next_attempt_requested = True
        state.increment_current_attempt()
