"""A connection that one plain call leaves to the next, with one parser for all of their answers.

Else aiohttp's pool would take it back after each call and give it out again, and aiohttp would make a parser for each
answer, which took a tenth of a call (docs/decisions/0114). It is still aiohttp's connection, and goes back to aiohttp
after any answer that is not plain.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDictProxy

from anchorbolt.bolt.web_api.json_bytes import loads
from anchorbolt.timers import of_this_loop

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection

# The data and the headers of a plain answer: a 200 with a JSON object that comes as a whole.
PlainAnswer = tuple[dict[str, Any], CIMultiDictProxy[str]]
SLACKS_JSON = "application/json; charset=utf-8"


class Kept:
    """A connection that plain calls use. Between two calls it has no parser, so that nothing is parsed then."""

    __slots__ = ("_parser", "_timers", "connection", "key", "left_at", "protocol")

    def __init__(self, key: ConnectionKey, connection: Connection, parsing: dict[str, Any]) -> None:
        """Takes a connection of aiohttp's for its first call. `parsing`: what `set_response_params` takes."""
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 - it is open; aiohttp asserts the same
        protocol.set_response_params(**parsing)
        self.key = key
        self.connection = connection
        self.protocol = protocol
        self._parser = protocol._parser
        self.left_at = 0.0
        self._timers = of_this_loop()

    async def answer(self, at: float) -> PlainAnswer | None:
        """Reads the answer to what was sent. Returns None for one that is not plain: aiohttp's response can read it.

        `at`: when the time for it is over, on the loop's clock.

        Raises:
            aiohttp.ClientError: no answer.
            TimeoutError: no answer in time.
        """
        protocol, timers = self.protocol, self._timers
        # Its timer, for which `ring` is called. A Timeout, which serves any wait of a task, takes six times as long.
        timers.put(self, at)
        try:
            message, payload = await protocol.read()
        except HttpProcessingError:  # aiohttp's response is given the same error, and raises it in its own words
            return None
        finally:
            timers.waiting.pop(self, None)
        is_slacks = message.code == 200 and message.headers.get(hdrs.CONTENT_TYPE) == SLACKS_JSON
        if is_slacks and (data := _object(payload)) is not None:
            return data, message.headers
        protocol._buffer.appendleft(((message, payload), 0))
        return None

    def ring(self) -> None:
        """The time for an answer is over; called by the timers."""
        self.protocol.set_exception(TimeoutError())

    def take(self, idle_seconds: float) -> bool:
        """Begins another call. Returns False if the connection is closed, was idle for longer, or brought anything."""
        protocol = self.protocol
        transport = protocol.transport
        if transport is None or transport.is_closing() or protocol._tail or monotonic() - self.left_at > idle_seconds:
            return False
        protocol._parser = self._parser
        return True

    def leave(self) -> bool:
        """Ends a call whose answer was read. Returns False if the connection is for no other call."""
        protocol = self.protocol
        if not is_clean(protocol):
            return False
        protocol._parser = None  # what comes now is no answer: aiohttp puts it aside, and `take` sees it
        self.left_at = monotonic()
        return True

    def is_idle(self, seconds: float) -> bool:
        """Returns whether it was left longer ago than that."""
        return monotonic() - self.left_at > seconds


def is_clean(protocol: ResponseHandler) -> bool:
    """Returns whether a connection may be used again: it has sent all, and nothing has come after its last answer.

    What has come would be taken for the next answer. aiohttp itself looks for whole answers only, and does not look at
    a connection that nobody uses.
    """
    if protocol.should_close or protocol.writing_paused:
        return False
    parser = protocol._parser
    try:
        # Between two answers this does nothing. Where a part of a head has come, it returns that answer, or raises.
        begun = parser.feed_eof() if parser is not None else None
    except Exception as error:  # what has come is no head
        begun = error
    if begun is None:
        return True
    protocol.force_close()  # after `feed_eof` the parser can read no other answer
    return False


def _object(payload: StreamReader) -> dict[str, Any] | None:
    """Returns the JSON object that a body is, if it is there as a whole. The body can be read all the same."""
    if payload is EMPTY_PAYLOAD or not payload.is_eof() or payload.exception() is not None:
        return None
    try:
        # Not `read_nowait`, which has the parser look for what comes after it.
        data = loads(b"".join(payload._buffer))
    except ValueError:
        return None
    return data if type(data) is dict else None
