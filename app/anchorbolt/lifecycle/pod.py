"""The state of a pod, which its probes report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum

from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")


class State(StrEnum):
    """The states in their order. The only way back is a drain that no SIGTERM follows: the pod is ready again."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    CLOSED = "closed"


class Pod:
    """The state of this pod. The probes read it; the preStop hook and the lifecycle change it."""

    def __init__(
        self,
        drain_delay_seconds: float,
        on_drain: Callable[[], None],
        on_lapse: Callable[[], None],
        trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`on_drain`: called when a drain begins. `on_lapse`: called when it is cancelled.

        `trouble`: returns why no delivery can arrive although the pod is ready otherwise, or None.
        """
        self.state = State.STARTING
        self._delay_seconds = drain_delay_seconds
        self._on_drain = on_drain
        self._on_lapse = on_lapse
        self._trouble = trouble
        self._lapse: asyncio.TimerHandle | None = None
        self._ending = False
        self._draining_since: float | None = None

    def become(self, state: State) -> None:
        """Changes the state, and logs the change."""
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
        """Begins the drain that SIGTERM asks for. After it, no drain that lapses can make the pod ready again."""
        self._ending = True
        self.become(State.DRAINING)

    @property
    def trouble(self) -> str | None:
        """Why the pod is not ready: its state or the trouble of its transport. None when it is ready."""
        return self.state if self.state is not State.READY else self._trouble()

    @property
    def drain_seconds(self) -> float:
        """Seconds since the drain began; 0 while there is none."""
        return 0.0 if self._draining_since is None else time.monotonic() - self._draining_since

    async def drain(self) -> None:
        """Makes the pod unready while it still serves, for preStop. Returns when proxies have had time to notice.

        Without a SIGTERM within twice that time the drain lapses, so that a call by hand does not disable a pod.
        Further calls join the drain that is going on, and do not extend it.
        """
        if self.state is State.READY and not self._ending:
            self.become(State.DRAINING)
            self._on_drain()
            self._lapse = asyncio.get_running_loop().call_later(2 * self._delay_seconds, self._lapsed)
        await asyncio.sleep(max(0.0, self._delay_seconds - self.drain_seconds))

    def _lapsed(self) -> None:
        log.warning("the drain lapsed: no SIGTERM followed it")
        self.become(State.READY)
        self._on_lapse()
