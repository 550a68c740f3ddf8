"""What a listener is told about the run that it is in: the value of `context["delivery"]`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from anchorbolt.delivery.kinds import Kind

CancelLane = Callable[[str, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of one delivery. `attempt` counts from 1; `crashes` are earlier runs that a dead pod cut short."""

    key: str
    kind: Kind
    attempt: int = 1
    is_last: bool = False
    crashes: int = 0
    cancel: CancelLane | None = field(default=None, repr=False, compare=False)  # the worker's, for cancel_lane

    async def cancel_lane(self, channel: str, thread_ts: str | None = None) -> bool:
        """Cancels what runs in a thread, on whichever pod: for a listener of an urgent event, such as a click on stop.

        What was cancelled ends within a second, and is not attempted again. A synchronous listener is marked: its next
        call of Slack raises.

        Args:
            channel: the id of the channel.
            thread_ts: of the thread's first message; None for a direct message without a thread.

        Returns:
            Whether something runs there. False, too, outside of a server (in tests of a team's listeners).
        """
        if self.cancel is None:
            return False
        return await self.cancel(f"{channel}:{thread_ts}" if thread_ts else channel, self.key)
