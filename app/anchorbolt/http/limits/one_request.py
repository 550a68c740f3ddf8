"""One request at a time on a connection: what a client sends behind a request waits until that one is answered.

uvicorn reads on, and builds a request for each one that it finds: 7.8 MB of tiny requests took 654 MiB. A server may
answer pipelined requests one after the other (https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2).
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools

from anchorbolt.errors import RefusedError
from anchorbolt.http.limits.body import BODY_IS_WHOLE
from anchorbolt.http.responses import refusal_as_bytes
from anchorbolt.http.without_click import HttpToolsProtocol
from anchorbolt.telemetry import metrics
from anchorbolt.timers import Timer, call_later

BAD_HTTP = RefusedError(400, "bad_http")
# Two reads of the event loop's. Reading is paused after the first.
MAX_AHEAD_BYTES = 524_288
# What the client still sends after a refusal is read and dropped for so long: a connection that is closed over unread
# bytes is reset, and its last answer may be lost with it.
LINGER_SECONDS = 1.0
END_OF_HEAD = b"\r\n\r\n"


class StopParsingError(Exception):
    """Raised in a callback of the parser, which then reads no further."""


class OneRequest(HttpToolsProtocol):
    """A connection of uvicorn's that works on one request at a time, and refuses what is no HTTP with JSON.

    A method that is called for each request calls that of its base class by the name of the class, here and in the
    classes made from this one: `super()` takes four times as long in Python 3.11, and a request would take ten of them.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.is_over = False  # nothing is read any more
        self.refusal: RefusedError | None = None  # why a callback stopped the parser
        self._ahead = b""  # what came while a request was answered
        self._tail = b""  # the last bytes that were parsed before: the end of a head may be cut
        # Of what is being parsed:
        self._has_begun = self._has_ended_head = self._has_ended = self._begins_next = False
        self._body_bytes = 0
        self._linger_timer: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None  # on the event loop's clock; None: something comes, or is answered
        self._idle_timer: Timer | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a request has arrived as a whole, and its answer has not been sent."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """uvicorn's hook. Parses what belongs to the request that arrives, and keeps what is behind it."""
        while data and not self.is_over:
            cycle = self.cycle  # `is_busy`, written out: each read asks for it
            if cycle is not None and not cycle.more_body and not cycle.response_complete:
                self._keep(data)
                return
            data = self.parse(data)

    def parse(self, data: bytes) -> bytes:
        """Parses to the end of one request at most. Returns what is behind that end."""
        self._idle_since = None
        self._has_begun = self._has_ended_head = self._has_ended = self._begins_next = False
        self._body_bytes = 0
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self._begins_next:
                return self._behind(data)
            if self._has_ended:  # what is wrong comes behind a request, which is answered first
                self.read_no_more()
            else:
                self.refuse(self.refusal or BAD_HTTP)
        self._tail = data[-3:] if len(data) > 2 else (self._tail + data)[-3:]
        return b""

    def read_no_more(self) -> None:
        """The request in flight is the last one of its connection; what the client still sends is dropped."""
        self.is_over = True
        self._ahead = b""
        self.cycle.keep_alive = False
        # To close a connection with unread bytes resets it, and its client may lose the last answer.
        self.flow.resume_reading()

    def refuse(self, error: RefusedError) -> None:
        """Answers what no application could be asked about, and closes the connection."""
        if self.is_over or self.transport.is_closing():
            return
        self.is_over = True
        metrics.refused.add(error.word)
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(refusal_as_bytes(error))
        if cycle is not None and not cycle.response_complete:  # nobody is to wait for the rest of its body
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._linger_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def eof_received(self) -> bool | None:  # type: ignore[override] # asyncio's: True keeps the other half open
        """uvicorn's hook, which closes. A client may end its half behind its request and wait for the answer."""
        if not self.is_busy:
            return None
        self.read_no_more()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets what had come behind the request; called by asyncio when the connection ends."""
        for timer in (self._linger_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._ahead = b""
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Stops the parser where a second request begins; called by the parser at the beginning of each."""
        if self._has_ended:
            self._begins_next = True
            raise StopParsingError
        self._has_begun = True
        HttpToolsProtocol.on_message_begin(self)

    def on_headers_complete(self) -> None:
        """uvicorn's hook. What comes as a trailer behind the body is no header: it goes into a list of its own."""
        self._has_ended_head = True
        HttpToolsProtocol.on_headers_complete(self)
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Counts the bytes of the body and passes them on; called by the parser."""
        self._body_bytes += len(body)
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """Notes that the request is complete, and passes that on; called by the parser."""
        self._has_ended = True
        self.cycle.scope[BODY_IS_WHOLE] = True  # type: ignore[typeddict-unknown-key] # for the Slack route
        HttpToolsProtocol.on_message_complete(self)

    def on_response_complete(self) -> None:
        """uvicorn's hook. What came meanwhile is parsed now."""
        # Instead of uvicorn's own, which looks for pipelined requests and sets a timer of the event loop's after each
        # request. Here a connection has one timer, which looks at the clock when it rings.
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.restart_idle_timer()
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            self.data_received(ahead)

    def restart_idle_timer(self) -> None:
        """Closes the connection when nothing comes for as long as it may be idle, from now on."""
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = call_later(self.timeout_keep_alive, self._close_if_idle)

    def _close_if_idle(self) -> None:
        since, may_be_idle = self._idle_since, self.timeout_keep_alive
        left = may_be_idle if since is None else since + may_be_idle - self.loop.time()
        if left > 0:
            self._idle_timer = call_later(left, self._close_if_idle)
        else:
            self.timeout_keep_alive_handler()

    def _keep(self, data: bytes) -> None:
        self._ahead += data
        if len(self._ahead) > MAX_AHEAD_BYTES:
            self.read_no_more()
        else:
            self.flow.pause_reading()

    def _behind(self, data: bytes) -> bytes:
        """Returns what is behind the request that ends within `data`, for a new parser: this one was stopped."""
        if any(name == b"transfer-encoding" for name, _ in self.cycle.scope["headers"]):
            self.read_no_more()  # where the last chunk ends is not known; a server may close at any time
            return b""
        end = self._body_bytes  # without chunks, a body is one piece behind the head
        if self._has_begun:  # empty lines may come before a head
            end += data.index(END_OF_HEAD, len(data) - len(data.lstrip(b"\r\n"))) + len(END_OF_HEAD)
        elif self._has_ended_head:
            end += (self._tail + data).index(END_OF_HEAD) + len(END_OF_HEAD) - len(self._tail)
        self._tail = b""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn
        return data[end:]
