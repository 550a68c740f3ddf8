"""Ends a connection after a request that asks for another protocol.

The parser takes what follows such a head for the other protocol and not for the body of the request. uvicorn would read
it as the next request of the connection: a client could send one request within another, and answers behind a proxy
would be those of other requests.
"""

from __future__ import annotations

from anchorbolt.http.limits.head import HeadLimits


class NoUpgrade(HeadLimits):
    """A connection of uvicorn's that reads nothing behind a head with `Upgrade`, or behind a CONNECT."""

    def on_headers_complete(self) -> None:
        """The request is answered, without a body, and its connection closes."""
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.read_no_more()
