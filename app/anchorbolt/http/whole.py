"""What came between two requests: whether it is one whole request of Slack's, and which.

By parsers of their own, so that uvicorn's, which makes a scope and a task of each head, never sees such a request. What
is refused needs none of its headers, and has a parser that only looks where it ends (docs/performance.md).
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from anchorbolt.http.request import Whole
from anchorbolt.http.slack_route import PATH

# How a request of Slack's begins. What begins otherwise, and is one, is answered all the same, only not so cheaply.
REQUEST_LINE = b"POST %s HTTP/1.1\r\n" % PATH.encode()


class Ends:
    """Of one connection: looks where requests end."""

    def __init__(self) -> None:
        self._parser: HttpRequestParser | None = None
        self._begun = self._whole = 0
        self.closes = False  # the last request asks for the end of its connection

    def is_one(self, data: bytes) -> bool:
        """Whether this is one whole request: not a part of one, nor several, nor anything else."""
        if self._parser is None:
            self._parser = HttpRequestParser(self)
        self._begun = self._whole = 0
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._whole = 0
        if self._begun == self._whole == 1:
            return True
        self.forget()  # it is somewhere inside of a request
        return False

    def forget(self) -> None:
        """Lets go of the parser, which holds this object as this holds it."""
        self._parser = None

    def on_message_begin(self) -> None:
        """The parser's own hook."""
        self._begun += 1

    def on_message_complete(self) -> None:
        """The parser's own hook."""
        self._whole += 1
        self.closes = self._parser is None or not self._parser.should_keep_alive()


class Requests(Ends):
    """Of one connection: reads requests, too."""

    def __init__(self) -> None:
        super().__init__()
        self._headers: dict[bytes, bytes] = {}
        self._body = b""

    def read(self, data: bytes) -> Whole | None:
        """The one whole request that this is; None: it is for uvicorn.

        So is what waits to be told to go on, and a body in chunks, behind which there may be more headers.
        """
        is_one = self.is_one(data)
        headers, self._headers = self._headers, {}
        body, self._body = self._body, b""  # it may be large, and the connection idle for long
        if not is_one or b"expect" in headers or b"transfer-encoding" in headers:
            return None
        return Whole(headers, body)

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser's own hook."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """The parser's own hook: once, for what is there as a whole, and not in chunks."""
        self._body = body
