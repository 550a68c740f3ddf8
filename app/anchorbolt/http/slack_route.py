"""POST /slack/events: limits, signature, parsing, and the answer that Slack waits for.

Without a framework's request and response, of which an event needs nothing: they would cost it more than all the rest
of its way (docs/performance.md).
"""

from __future__ import annotations

import time

import orjson
from starlette.types import Receive, Scope, Send

from anchorbolt.delivery import Control, Kind, parse
from anchorbolt.errors import RefusedError
from anchorbolt.http.adapter import Adapter
from anchorbolt.http.answer import ACCEPTED, JSON_TYPE, Answer, answer, refusal, send_answer
from anchorbolt.http.request import Request, Streamed, check_head
from anchorbolt.http.signature import Signature
from anchorbolt.intake import control
from anchorbolt.intake.events import Events
from anchorbolt.intake.interactions import Interactions
from anchorbolt.intake.sighting import Sighting, turned_away
from anchorbolt.intake.slots import OVERLOADED, Bounds, Place, Places
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.logs import get_logger

log = get_logger("receiver")

PATH = "/slack/events"
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
        """One request over ASGI."""
        await send_answer(send, await self.answer(Streamed(scope, receive)))

    async def answer(self, request: Request) -> Answer:
        """What one request is answered with."""
        no_work = self.turns_away()
        if no_work is not None:
            turned_away(no_work)
            return refusal(no_work)
        place = self._places.take()
        sighting = Sighting(self._clock(), traces.HTTP)
        try:
            found = await self._answer(request, place, sighting)
        except RefusedError as refused:
            return self._refuse(refused, sighting)
        except Exception:  # a defect of ours: Slack and its user are told of a failure, and the log of the defect
            log.exception("a request could not be answered")
            return self._refuse(RefusedError(503, "internal_error"), sighting)
        else:
            sighting.answered(found.status_code, self._clock())
            return found
        finally:
            if not place.kept:
                place.leave()

    async def _answer(self, request: Request, place: Place, sighting: Sighting) -> Answer:
        deadline = sighting.arrived + self._bounds.deadline_seconds
        content_type = check_head(request, self._bounds.max_body_bytes)
        raw = await request.body(self._bounds.max_body_bytes, deadline)
        headers = request.headers
        self._signature.verify(raw, headers.get(b"x-slack-request-timestamp"), headers.get(b"x-slack-signature"))
        sighting.mark("verified")
        found = parse(raw, content_type)
        sighting.parsed(found, _text(headers.get(b"x-slack-retry-reason")), _text(headers.get(b"traceparent")))
        if isinstance(found, Control):
            return _control(found)
        if found.kind is Kind.EVENT:
            await self._events.accept(found, deadline, _text(headers.get(b"x-slack-retry-num")))
            sighting.mark("accepted")
            return ACCEPTED
        place.kept = True
        by_bolt = await self._interactions.answer(found, deadline, place.leave, self._adapter.question(request.query))
        sighting.mark("acknowledged")
        return by_bolt

    def _refuse(self, refused: RefusedError, sighting: Sighting) -> Answer:
        sighting.refused(refused, self._clock())
        return refusal(refused)


def _control(found: Control) -> Answer:
    if found.type == "url_verification":
        return answer(200, orjson.dumps({"challenge": found.payload["challenge"]}), JSON_TYPE)
    control.note(found)
    return ACCEPTED


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None
