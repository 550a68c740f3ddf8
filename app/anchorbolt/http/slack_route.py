"""POST /slack/events: the route of Slack's requests. Limits, then the signature, then intake; and the response."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from anchorbolt.bolt.run import Run
from anchorbolt.delivery.headers import request_id
from anchorbolt.errors import RefusedError
from anchorbolt.http.bolt_adapter import BoltAdapter
from anchorbolt.http.limits.body import BODY_IS_WHOLE, check_head
from anchorbolt.http.limits.unverified import MAX_BODIES, UnverifiedBodies
from anchorbolt.http.responses import ACKNOWLEDGEMENT, challenge, refusal, start_of
from anchorbolt.http.signature import Signature
from anchorbolt.intake.intake import Acknowledged, Intake, Received
from anchorbolt.intake.sighting import Sighting
from anchorbolt.telemetry import traces

PATH = "/slack/events"


class SlackRoute:
    """The endpoint, as raw ASGI.

    An instance with `__call__` and not a function: Starlette would wrap a function for requests and responses, and a
    typed path operation of FastAPI's costs a third of an event (bench/results/performance-until-2026-11-28.md).
    """

    def __init__(
        self, intake: Intake, signature: Signature, bolt: BoltAdapter, *, max_body_bytes: int, max_connections: int
    ) -> None:
        """`max_connections`: how many the port may have. At most half of them wait for a body at a time."""
        self._intake = intake
        self.signature = signature
        self.bolt = bolt
        self.max_body_bytes = max_body_bytes
        # Where few connections are allowed, the other half stays free for new ones.
        self.bodies = UnverifiedBodies(max_body_bytes, max_bodies=min(MAX_BODIES, max_connections // 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. No input whatever is answered with a 500."""
        request = HttpRequest(scope, receive, self)
        try:
            response = response_to(await self._intake.answer(request))
        except RefusedError as error:
            response = refusal(error)
        await send(start_of(response, request.request_id))
        await send({"type": "http.response.body", "body": response.body})


def response_to(answer: Response | Acknowledged) -> Response:
    """The response over HTTP for an answer of intake's."""
    if not isinstance(answer, Acknowledged):
        return answer
    return ACKNOWLEDGEMENT if answer.challenge is None else challenge(answer.challenge)


class HttpRequest:
    """A request of Slack's over HTTP, as intake takes it."""

    __slots__ = ("_body", "_receive", "_route", "_scope", "request_id")

    way = traces.HTTP

    def __init__(self, scope: Scope, receive: Receive, route: SlackRoute) -> None:
        self._scope = scope
        self._receive = receive
        self._route = route
        self._body = b""
        self.request_id = ""  # known once it was verified

    async def read(self, sighting: Sighting, deadline: float) -> Received:
        """Reads and verifies the request. What its head alone gives away is refused before its body is read.

        `sighting`: where the trace notes the steps. `deadline`: until when the body must have come, on the event loop's
        clock. Raises RefusedError.
        """
        scope, route = self._scope, self._route
        headers: dict[bytes, bytes] = dict(scope["headers"])
        content_type = check_head(scope, headers, route.max_body_bytes)
        timestamp, signature = route.signature.check_headers(headers)
        self._body = body = await route.bodies.read(self._receive, deadline, is_whole=BODY_IS_WHOLE in scope)
        route.signature.verify(body, timestamp, signature)
        sighting.mark("verified")
        self.request_id = request_id(headers)
        return Received(body, content_type, headers, self.request_id)

    async def ask_bolt(self, run: Run) -> Response:
        """Has Bolt answer this request in a `run`, by its FastAPI adapter, and returns the response.

        Raises what the listener raises before its ack.
        """
        return await self._route.bolt.answer(self._scope, self._body, run)
