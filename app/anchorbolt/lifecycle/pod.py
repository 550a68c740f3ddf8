"""The state of a pod, as its probes tell it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum

from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")


class State(StrEnum):
    """In this order; only a drain that no SIGTERM follows goes back."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    CLOSED = "closed"


class Pod:
    """Who may know: the probes. Who changes it: the preStop hook by /drain, and the life of the process."""

    def __init__(
        self,
        drain_delay_seconds: float,
        on_drain: Callable[[], None],
        on_lapse: Callable[[], None],
        trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`on_drain`: nothing new begins. `on_lapse`: it may again. `trouble`: why nothing can come in."""
        self.state = State.STARTING
        self._delay_seconds = drain_delay_seconds
        self._on_drain = on_drain
        self._on_lapse = on_lapse
        self._trouble = trouble
        self._lapse: asyncio.TimerHandle | None = None
        self._ending = False
        self._draining_since: float | None = None

    def become(self, state: State) -> None:
        """The life of the process goes on."""
        if self._lapse is not None:
            self._lapse.cancel()
        if state is not self.state:
            log.info(state.value)
        if state is State.READY:
            self._draining_since = None
        elif state is State.DRAINING and self._draining_since is None:
            self._draining_since = time.monotonic()
        self.state = state

    def end(self) -> None:
        """SIGTERM: the drain has a follower, so that no /drain, however late, lets it lapse any more."""
        self._ending = True
        self.become(State.DRAINING)

    @property
    def trouble(self) -> str | None:
        """Why a pod that would be ready is not, for whoever asks; None when it is."""
        return self.state if self.state is not State.READY else self._trouble()

    @property
    def drain_seconds(self) -> float:
        """Since the drain began; 0 while there is none."""
        return 0.0 if self._draining_since is None else time.monotonic() - self._draining_since

    async def drain(self) -> None:
        """What preStop asks for: not ready, still serving. Returns when proxies have had time to learn of it.

        It lapses when no SIGTERM follows within twice that time: a hook called by hand must not leave a pod useless.
        """
        if self.state in (State.READY, State.DRAINING) and not self._ending:
            self.become(State.DRAINING)
            self._on_drain()
            self._lapse = asyncio.get_running_loop().call_later(2 * self._delay_seconds, self._lapsed)
        await asyncio.sleep(self._delay_seconds)

    def _lapsed(self) -> None:
        log.warning("the drain lapsed: no SIGTERM followed it")
        self.become(State.READY)
        self._on_lapse()
