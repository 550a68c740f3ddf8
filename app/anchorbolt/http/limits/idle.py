"""Closes connections on which nothing happens, also where uvicorn would keep them open for ever, and at the end.

uvicorn closes a connection that was idle for `timeout_keep_alive` seconds after a response. It does not close one that
never sends a request, nor one whose client sends the rest of a body slowly after the request was answered.

At the end it closes an idle connection at once. A proxy may have sent a request on it that was not read yet, and does
not repeat a POST of which something was sent (nginx answers 502). So an idle connection gets a moment for one more
request; and from the beginning of the drain a response says `connection: close`, so that few are idle at the end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.http.limits.connections import Connections
from anchorbolt.http.limits.upgrade import NoUpgrade

# While the port is being closed, an idle connection may bring one more request for so long.
LAST_REQUEST_SECONDS = 0.5


class HttpConnection(NoUpgrade):
    """A connection of uvicorn's with all limits."""

    def __init__(self, *, connections: Connections, **arguments: Any) -> None:
        """`connections`: those of this port. `arguments`: those of the other limits and of uvicorn's protocol."""
        super().__init__(**arguments)
        self._of_this_port = connections
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """A connection without any request is closed when one that is idle after a request would be."""
        super().connection_made(transport)
        self._of_this_port.opened(self)
        self.restart_idle_timer()
        if self._of_this_port.ends:
            self.shutdown()  # uvicorn asks only those that are open already

    def data_received(self, data: bytes) -> None:
        """The rest of a body that was answered before it was whole gets as long as a head: nobody reads it."""
        NoUpgrade.data_received(self, data)
        cycle = self.cycle
        if cycle is None or not (cycle.response_complete and cycle.more_body):
            if self._unread_timer is not None:
                self._stop_unread_timer()
        elif self._unread_timer is None:
            self._unread_timer = self.loop.call_later(self.head_seconds, self.transport.close)

    def on_headers_complete(self) -> None:
        """Notes that the connection is busy; called by the parser at the end of a request's head."""
        NoUpgrade.on_headers_complete(self)
        self._of_this_port.became_busy(self)
        if self._of_this_port.closes:
            self.cycle.keep_alive = False  # the response says so, and the connection is closed behind it

    def on_response_complete(self) -> None:
        """Notes that the connection is idle; called by uvicorn when a request has been answered."""
        self._of_this_port.became_idle(self)
        NoUpgrade.on_response_complete(self)

    def on_message_complete(self) -> None:
        """A body that ends after its response leaves the connection idle; uvicorn does not look at it any more."""
        NoUpgrade.on_message_complete(self)
        if self.cycle.response_complete:
            self.cycle.more_body = False  # else what follows would be taken for a part of this body
            self.restart_idle_timer()

    def shutdown(self) -> None:
        """Lets an idle connection bring one more request while the port is being closed; called at the server's end.

        What came behind the request of a busy one is dropped: its answer says that the connection ends with it.
        """
        is_idle = self.cycle is None or self.cycle.response_complete
        if self._of_this_port.ends and is_idle:
            self.loop.call_later(LAST_REQUEST_SECONDS, super().shutdown)  # closes it, or once its request is answered
            return
        if self.is_busy:
            self.read_no_more()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer of an unread body, and forgets the connection; called by asyncio when the connection ends."""
        self._stop_unread_timer()
        self._of_this_port.closed(self)
        super().connection_lost(exc)

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
