"""POST /slack/events: limits, signature, parsing, and the answer that Slack waits for.

A plain ASGI application under FastAPI's roof: an event needs nothing of a framework's request and response, and they
would cost it more than all the rest of its way (docs/performance.md).
"""

from __future__ import annotations

import time

import orjson
from starlette.types import Receive, Scope, Send

from app.delivery import Control, Kind, parse
from app.errors import RefusedError
from app.receiver import body, control
from app.receiver.adapter import Adapter
from app.receiver.events import Events
from app.receiver.interactions import Interactions
from app.receiver.places import OVERLOADED, Bounds, Place, Places
from app.receiver.sighting import Sighting, turned_away
from app.receiver.signature import Signature
from app.telemetry import traces
from app.telemetry.logs import get_logger

log = get_logger("receiver")

# Where a second try by Slack would be refused for the same reason.
HOPELESS = frozenset({400, 405, 413, 415})

PATH = "/slack/events"
# How a request of Slack's begins. What begins otherwise, and is one, is answered all the same, only not so cheaply.
REQUEST_LINE = b"POST %s " % PATH.encode()
DRAINING = RefusedError(425, "draining")


class Receiver:
    """Answers what Slack posts. No input whatever is answered with a 500."""

    def __init__(
        self, signature: Signature, events: Events, interactions: Interactions, adapter: Adapter, bounds: Bounds
    ) -> None:
        self._signature = signature
        self._events = events
        self._interactions = interactions
        self._adapter = adapter
        self._bounds = bounds
        self._places = Places(bounds.max_in_flight)
        self._clock = time.monotonic  # the loop's
        self.closing = False  # after SIGTERM: refused before any work, so that a proxy asks another pod

    @property
    def in_flight(self) -> int:
        """How many requests are being answered, with the unstored listeners that go on."""
        return self._places.taken

    def turns_away(self) -> RefusedError | None:
        """Why a request is refused before any work, if it is."""
        return DRAINING if self.closing else OVERLOADED if self._places.full else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        no_work = self.turns_away()
        if no_work is not None:
            turned_away(no_work)
            await _refuse(send, no_work)
            return
        place = self._places.take()
        sighting = Sighting(self._clock(), traces.HTTP)
        try:
            status = await self._answer(scope, receive, send, place, sighting)
        except RefusedError as refusal:
            await self._refuse(send, refusal, sighting)
        except Exception:  # a defect of ours: Slack and its user are told of a failure, and the log of the defect
            log.exception("a request could not be answered")
            await self._refuse(send, RefusedError(503, "internal_error"), sighting)
        else:
            sighting.answered(status, self._clock())
        finally:
            if not place.kept:
                place.leave()

    async def _answer(self, scope: Scope, receive: Receive, send: Send, place: Place, sighting: Sighting) -> int:
        """The status of the answer."""
        deadline = sighting.arrived + self._bounds.deadline_seconds
        headers = dict(scope["headers"])
        content_type = body.check_head(scope, headers, self._bounds.max_body_bytes)
        raw = await body.read(receive, self._bounds.max_body_bytes, deadline)
        self._signature.verify(raw, _text(headers, b"x-slack-request-timestamp"), _text(headers, b"x-slack-signature"))
        sighting.mark("verified")
        found = parse(raw, content_type)
        sighting.parsed(found, _text(headers, b"x-slack-retry-reason"), _text(headers, b"traceparent"))
        if isinstance(found, Control):
            await self._control(found, send)
            return 200
        if found.kind is Kind.EVENT:
            await self._events.accept(found, deadline, _text(headers, b"x-slack-retry-num"))
            sighting.mark("accepted")
            await _send(send, 200, b"")
            return 200
        place.kept = True
        response = await self._interactions.answer(found, deadline, place.leave, self._adapter.question(scope))
        sighting.mark("acknowledged")
        await response(scope, receive, send)
        return response.status_code

    async def _control(self, found: Control, send: Send) -> None:
        if found.type == "url_verification":
            await _send(send, 200, orjson.dumps({"challenge": found.payload["challenge"]}), JSON_TYPE)
            return
        control.note(found)
        await _send(send, 200, b"")

    async def _refuse(self, send: Send, refusal: RefusedError, sighting: Sighting) -> None:
        sighting.refused(refusal, self._clock())
        await _refuse(send, refusal)


JSON_TYPE = (b"content-type", b"application/json")
CLOSE = (b"connection", b"close")
NO_RETRY = (b"x-slack-no-retry", b"1")
ALLOW = (b"allow", b"POST")

Header = tuple[bytes, bytes]


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value is not None else None


async def _send(send: Send, status: int, content: bytes, *headers: Header) -> None:
    length = (b"content-length", str(len(content)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": content})


async def _refuse(send: Send, refusal: RefusedError) -> None:
    headers: list[Header] = [JSON_TYPE]
    if refusal.status in HOPELESS:
        headers.append(NO_RETRY)
    if refusal.status in (408, 413):
        headers.append(CLOSE)  # the rest of the body is not read
    if refusal.status == 405:
        headers.append(ALLOW)
    await _send(send, refusal.status, orjson.dumps({"error": refusal.word}), *headers)
