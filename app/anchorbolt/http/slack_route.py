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
from anchorbolt.http.responses import ACKNOWLEDGEMENT, challenge, refusal, send_whole
from anchorbolt.http.signature import Signature, signature_headers
from anchorbolt.intake.intake import Acknowledged, IncomingRequest, Intake, Received
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
        self._signature = signature
        self._bolt = bolt
        self._max_body_bytes = max_body_bytes
        # Where few connections are allowed, the other half stays free for new ones.
        self._bodies = UnverifiedBodies(max_body_bytes, max_bodies=min(MAX_BODIES, max_connections // 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. No input whatever is answered with a 500."""
        request = HttpRequest(scope, receive, self)
        response = await respond(self._intake, request)
        await send_whole(response, send, request.request_id)

    async def read(self, scope: Scope, receive: Receive, sighting: Sighting, deadline: float) -> Received:
        """Reads and verifies a request of Slack's. What its head alone gives away is refused before its body is read.

        `scope` and `receive` are ASGI's. `sighting`: where the trace notes the steps. `deadline`: until when the body
        must have come, on the event loop's clock. Raises RefusedError.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        content_type = check_head(scope, headers, self._max_body_bytes)
        timestamp, signature = signature_headers(headers)
        self._signature.check_headers(timestamp, signature)
        body = await self._bodies.read(receive, deadline, is_whole=BODY_IS_WHOLE in scope)
        self._signature.verify(body, timestamp, signature)
        sighting.mark("verified")
        return Received(body, content_type, headers, request_id(headers))

    async def ask_bolt(self, scope: Scope, body: bytes, run: Run) -> Response:
        """Has Bolt answer a request whose body was read, by its FastAPI adapter, and returns the response.

        `run`: the run in which its listener is executed. Raises what the listener raises before its ack.
        """
        return await self._bolt.answer(scope, body, run)


async def respond(intake: Intake, request: IncomingRequest[Response]) -> Response:
    """Has intake answer a request over HTTP, and returns the response, also where intake refuses it."""
    try:
        answer = await intake.answer(request)
    except RefusedError as error:
        return refusal(error)
    if not isinstance(answer, Acknowledged):
        return answer
    return ACKNOWLEDGEMENT if answer.challenge is None else challenge(answer.challenge)


class HttpRequest:
    """A request of Slack's over HTTP, as intake takes it."""

    way = traces.HTTP

    def __init__(self, scope: Scope, receive: Receive, route: SlackRoute) -> None:
        self._scope = scope
        self._receive = receive
        self._route = route
        self._body = b""
        self.request_id = ""  # known once it was verified

    async def read(self, sighting: Sighting, deadline: float) -> Received:
        """Reads and verifies the request. Raises RefusedError."""
        received = await self._route.read(self._scope, self._receive, sighting, deadline)
        self._body = received.body
        self.request_id = received.request_id
        return received

    async def ask_bolt(self, run: Run) -> Response:
        """Has Bolt answer this request in a `run`, and returns the response."""
        return await self._route.ask_bolt(self._scope, self._body, run)
