"""Stores an interaction whose listener goes on after its ack, unless the listener ends before that is begun."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Held
from anchorbolt.worker.runs import Running


class Adoption:
    """One such interaction, until it is stored, could not be stored, or need not be (docs/decisions/0110)."""

    def __init__(
        self,
        inbox: Inbox,
        running: Running,
        run: Run,
        *,
        accepted: Callable[[Adoption, Held | None], None],
        withdrawn: Callable[[Adoption], None],
    ) -> None:
        """One of the two is called, once: `accepted` with the lease, or with None where it could not be stored."""
        self.running = running
        self.run = run
        # Of its request, for the log and for the app's error handler: `accepted` is called outside of that.
        self.context = contextvars.copy_context()
        self._inbox = inbox
        self._accepted = accepted
        self._withdrawn = withdrawn
        self._safe: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def begin(self, item: Item, deadline: float) -> asyncio.Future[bool]:
        """Submits it to the inbox, until `deadline` on the monotonic clock.

        Returns a future: True once Slack may be told that it is done, because it is stored or its listeners have ended
        well; False where it could not be stored. Who waits for it may cancel it.
        """
        self._accepting = self._inbox.accept(item, deadline, self._written)
        if not self.run.ended:  # else with an error, or because it was cut: another attempt follows
            self.run.when_ended = self._ended
        return self._safe

    def _written(self, accepted: Accepted | None, _: bool) -> None:
        self.run.when_ended = None
        if accepted is not None and self.run.trace is not None:
            self.run.trace.event("stored")
        self._tell(is_safe=accepted is not None)
        self._accepted(self, accepted.held if accepted is not None else None)

    def _ended(self) -> None:
        if self.running.was_interrupted() is not None or self.run.error is not None:
            return
        if self._inbox.withdraw(self._accepting):
            self._withdrawn(self)
        self._tell(is_safe=True)

    def _tell(self, *, is_safe: bool) -> None:
        if not self._safe.done():
            self._safe.set_result(is_safe)
