"""The Web API calls of one run: which are under way, over which connections, and how they end when it is cut short.

A run whose lease is lost must say nothing more, because another process may run its delivery by now. Cancelling a call
is not enough for that: a closed socket leaves what is in the buffers of asyncio, of TLS and of the kernel to be sent,
perhaps half a minute later when a broken link is repaired (docs/decisions/0074).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from contextvars import ContextVar, Token

import aiohttp

from anchorbolt.errors import NotAwaitedError
from anchorbolt.timers import call_later

# How long a call that is under way may take to end, when its run is stopped and its lease still holds.
GRACE_SECONDS = 2.0
# Beyond so many connections in a row of calls that overlap, those that are released already are forgotten.
MOST_CONNECTIONS = 64
# SO_LINGER, on, for 0 seconds: closing the socket sends a reset, and throws away what is in the kernel's send buffer.
_RESET = struct.pack("ii", 1, 0)


class Calls:
    """The calls of one run: through its client, and through everything that Bolt makes of that client."""

    __slots__ = (
        *("_not_awaited", "_then", "_waiting"),
        *("closed", "connections", "cut", "made", "on_wait", "refused", "under_way", "workspace"),
    )

    def __init__(self) -> None:
        self.made = 0  # those that have begun, also if they have ended
        self.under_way = 0
        # Over which they go. It may hold some that are released already, but none that another call uses.
        self.connections: set[aiohttp.connector.Connection] = set()
        self.closed = False  # no other call may begin
        self.cut = False  # nothing may be sent any more, not even again by a call that is under way
        self.workspace = ""  # of the run, for which Slack limits methods
        # Called with True when a call of it begins to wait at a rate gate, and with False when none waits any more.
        self.on_wait: Callable[[bool], None] | None = None
        self._waiting = 0
        self.refused = False  # the run has tried to make another call after it was closed
        self._then: list[Callable[[], object]] = []
        self._not_awaited: NotAwaitedError | None = None

    def refuse_if_closed(self, name: str) -> None:
        """Refuses a call once the run was cut short. May be called from any thread.

        Raises:
            asyncio.CancelledError: the run is over, so nothing is sent. As everywhere else, it should not be caught.
        """
        if self.closed:
            self.refused = True
            raise asyncio.CancelledError(f"{name} is not sent: its run was cut short")

    def begin(self, name: str) -> Token[Calls | None]:
        """Begins a call in this task; `end` must be given what it returns.

        Raises:
            asyncio.CancelledError: the run is over, so nothing is sent. As everywhere else, it should not be caught.
        """
        if self.closed:
            self.refuse_if_closed(name)
        self.made += 1
        self.under_way += 1
        return CALLS.set(self)

    def end(self, begun: Token[Calls | None]) -> None:
        """Ends a call, however it went."""
        CALLS.reset(begun)
        self.under_way -= 1
        if not self.under_way:
            self.connections.clear()  # all of them are released; a callback for each would cost more
        if self._then and not self.under_way:
            # A moment later: a run whose last line was this call then ends by itself, and is done.
            call_later(0, self._over)

    def begin_wait(self) -> None:
        """Notes that a call waits at a rate gate. It is not under way: nothing of it has to end before the run may."""
        self._waiting += 1
        self.under_way -= 1
        if self._waiting == 1 and self.on_wait is not None:
            self.on_wait(True)

    def end_wait(self) -> None:
        """Notes that it goes on."""
        self._waiting -= 1
        self.under_way += 1
        if self._waiting == 0 and self.on_wait is not None:
            self.on_wait(False)

    def run_is_over(self) -> None:
        """Forgets who is told of waits, unless a call waits now: that one still has to say that it goes on."""
        if not self._waiting:
            self.on_wait = None

    def uses(self, connection: aiohttp.connector.Connection) -> None:
        """Takes note of the connection of a call under way. It stays noted until the run has no call under way."""
        if len(self.connections) >= MOST_CONNECTIONS:
            self.connections = {one for one in self.connections if one.protocol is not None}
        self.connections.add(connection)

    def note_not_awaited(self, error: NotAwaitedError) -> None:
        """Takes note of a call that nobody awaited; the first one counts."""
        if self._not_awaited is None:
            self._not_awaited = error

    def take_not_awaited(self) -> NotAwaitedError | None:
        """Returns what was noted, once: whoever asks fails the run."""
        error, self._not_awaited = self._not_awaited, None
        return error

    def close(self, then: Callable[[], object] | None = None) -> None:
        """Refuses other calls. `then` is called when none is under way any more, or after GRACE_SECONDS."""
        self.closed = True
        if then is None:
            return
        if not self.under_way:
            then()
            return
        self._then.append(then)
        call_later(GRACE_SECONDS, self._over)

    def forget(self, then: Callable[[], object]) -> None:
        """Takes back what was given to `close`."""
        if then in self._then:
            self._then.remove(then)

    def reset(self) -> None:
        """Refuses other calls, and resets the connections of those under way: no buffer is sent any more."""
        self.closed = self.cut = True
        connections, self.connections = self.connections, set()
        for connection in connections:
            if (transport := connection.transport) is None:
                continue
            if (found := transport.get_extra_info("socket")) is not None:
                with contextlib.suppress(OSError):  # the other side has closed it already
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()

    def _over(self) -> None:
        callbacks, self._then = self._then, []
        for then in callbacks:
            then()


# The calls to which a connection belongs that is asked for in this task.
CALLS: ContextVar[Calls | None] = ContextVar("anchorbolt_calls", default=None)
# Those of no run: they are never cut short.
OF_NO_RUN = Calls()
