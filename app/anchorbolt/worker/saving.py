"""Stores an interaction whose listener goes on after its ack, unless the listener ends before its write begins."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Held
from anchorbolt.worker.runs import Running


class Saving:
    """An interaction that is being stored: until it is, or cannot be, or need not be any more (docs/decisions/0110)."""

    def __init__(
        self,
        inbox: Inbox,
        running: Running,
        run: Run,
        *,
        on_written: Callable[[Held | None], None],
        on_withdrawn: Callable[[], None],
    ) -> None:
        """One of the two is called, once: `on_written` with the lease, or with None where it could not be stored."""
        self._inbox = inbox
        self._running = running
        self._run = run
        self._on_written = on_written
        self._on_withdrawn = on_withdrawn
        self._safe: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def begin(self, item: Item, deadline: float) -> asyncio.Future[bool]:
        """Submits it to the inbox, until `deadline` on the monotonic clock.

        Returns a future: True once Slack may be told that it is done, because it is stored or its listeners have ended
        well; False where it could not be stored. Who waits for it may cancel it.
        """
        context = contextvars.copy_context()  # of the request: for the log, and for the app's error handler
        self._accepting = self._inbox.accept(item, deadline, lambda accepted, _: context.run(self._written, accepted))
        if not self._run.ended:  # one that has ended was cut, or has failed: it is stored, for another attempt
            self._run.on_all_ended = self._ended
        return self._safe

    def _written(self, accepted: Accepted | None) -> None:
        self._run.on_all_ended = None
        if accepted is not None and self._run.trace is not None:
            self._run.trace.event("stored")
        self._tell(is_safe=accepted is not None)
        self._on_written(accepted.held if accepted is not None else None)

    def _ended(self) -> None:
        if self._running.listeners_were_cut() or self._run.error is not None:
            return
        if self._inbox.withdraw(self._accepting):
            self._on_withdrawn()
        self._tell(is_safe=True)

    def _tell(self, *, is_safe: bool) -> None:
        if not self._safe.done():
            self._safe.set_result(is_safe)
