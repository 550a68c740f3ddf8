"""Refuses a request that asks for another protocol, and closes its connection.

The parser takes what follows such a head for the other protocol and not for the body of the request. uvicorn would read
it as the next request of the connection: a client could send one request within another, and answers behind a proxy
would be those of other requests.
"""

from __future__ import annotations

from anchorbolt.errors import RefusedError
from anchorbolt.http.limits.head import HeadLimits
from anchorbolt.http.limits.one_request import StopParsingError


class NoUpgrade(HeadLimits):
    """A connection that answers 400 to a head with `Upgrade`, and to a CONNECT. No application sees them.

    An `Upgrade` that `Connection` does not name counts too: whoever is in front may understand it otherwise.
    """

    def on_headers_complete(self) -> None:
        """Refuses a request that asks for another protocol; called by the parser at the end of a request's head."""
        if self.parser.should_upgrade():
            self._refuse_upgrade()
        HeadLimits.on_headers_complete(self)

    def on_rare_header(self, name: bytes, value: bytes) -> None:
        """Refuses a head with `Upgrade` as soon as that comes. Within a body it is a trailer, which nobody looks at."""
        if name == b"upgrade" and not self.is_in_a_body:
            self._refuse_upgrade()
        super().on_rare_header(name, value)

    def _refuse_upgrade(self) -> None:
        self.refusal = RefusedError(400, "upgrade_refused")
        raise StopParsingError
