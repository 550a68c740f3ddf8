"""The steps of every request from Slack, over HTTP or Socket Mode: a slot, parsing, then the inbox or Bolt."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeVar

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Control, Delivery, parse
from anchorbolt.delivery import headers as headers_of
from anchorbolt.delivery.kinds import EVENT
from anchorbolt.errors import RefusedError
from anchorbolt.intake import control
from anchorbolt.intake.arrival import log_arrival
from anchorbolt.intake.events import Events
from anchorbolt.intake.interactions import Interactions
from anchorbolt.intake.replays import Answer
from anchorbolt.intake.sighting import Sighting, turned_away
from anchorbolt.intake.slots import RequestSlot, RequestSlots
from anchorbolt.telemetry import metrics, traces
from anchorbolt.telemetry.delivery_lines import lines
from anchorbolt.telemetry.logs import get_logger

log = get_logger("intake")

DRAINING = RefusedError(425, "draining")
STARTING = RefusedError(425, "store_unavailable")
OVERLOADED = RefusedError(503, "overloaded")
INTERNAL_ERROR = RefusedError(503, "internal_error")


@dataclass(slots=True)
class Received:
    """A request that a transport has read and found to be Slack's. The names of headers are in lower case."""

    body: bytes = field(repr=False)
    content_type: str
    headers: Mapping[bytes, bytes] = field(repr=False)
    request_id: str = ""  # empty: the transport has none, and one is made


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The answer where no listener has one: 200 without a body, or Slack's `challenge` back to Slack."""

    status_code: ClassVar[int] = 200  # as over HTTP; in Socket Mode nothing but 200 is an ack
    body: ClassVar[bytes] = b""  # a challenge is written by the transport, each in its own form

    challenge: str | None = None


ACKNOWLEDGED = Acknowledged()

Answered_co = TypeVar("Answered_co", bound=Answer, covariant=True)
Answered = TypeVar("Answered", bound=Answer)


class IncomingRequest(Protocol[Answered_co]):
    """What intake needs from a request. Each transport has its own type of answer."""

    @property
    def way(self) -> traces.Way:
        """The transport it came by, for its trace."""

    async def read(self, sighting: Sighting, deadline: float) -> Received:
        """Reads the request by the deadline (the event loop's clock). Raises RefusedError."""

    async def ask_bolt(self, run: Run) -> Answered_co:
        """Returns what Bolt answers to the dispatch of this request."""


class Intake:
    """Answers what Slack sends, over whichever transport: it takes a slot, then has it answered by its kind."""

    def __init__(
        self, events: Events, interactions: Interactions, *, max_in_flight: int, deadline_seconds: float
    ) -> None:
        """`deadline_seconds`: when a request is answered at the latest, from its arrival."""
        self._events = events
        self._interactions = interactions
        self._deadline_seconds = deadline_seconds
        self._slots = RequestSlots(max_in_flight)
        self._clock = time.monotonic  # the event loop's
        self.starting = False  # until the store was reached once: refused before any work, another pod may take it
        self.closing = False  # after SIGTERM: refused before any work, so that a proxy asks another pod

    @property
    def in_flight(self) -> int:
        """The number of requests that are being answered or whose listener still runs after its answer."""
        return self._slots.taken

    def turn_away(self) -> RefusedError | None:
        """Returns the refusal that a request gets before any work, and counts it; None if the request may come in."""
        if not self.starting and not self.closing and self._slots.free > 0:
            return None
        refusal = STARTING if self.starting else DRAINING if self.closing else OVERLOADED
        turned_away(refusal)
        return refusal

    async def answer(self, request: IncomingRequest[Answered]) -> Answered | Acknowledged:
        """Returns the answer.

        Raises RefusedError, which is counted already, where the request is refused or could not be answered. Raises no
        other error.
        """
        if (refusal := self.turn_away()) is not None:
            raise refusal.copy()
        sighting = Sighting(self._clock(), request.way)
        deadline = sighting.arrived + self._deadline_seconds
        slot: RequestSlot | None = None
        try:
            received = await request.read(sighting, deadline)
            # Only now: what is not known to be Slack's takes no slot of what is.
            if self._slots.free <= 0:
                sighting.kind = metrics.UNKNOWN
                raise OVERLOADED.copy()
            slot = RequestSlot(self._slots)
            found = _parsed(received, sighting)
            answer: Answered | Acknowledged = ACKNOWLEDGED
            if isinstance(found, Control):
                answer = _answer_control(found)
            elif found.kind is EVENT:
                await self._events.accept(found, deadline)
                sighting.mark("accepted")
            else:
                answer = await self._interactions.answer(found, deadline, slot, request.ask_bolt) or ACKNOWLEDGED
                sighting.mark("acknowledged")
        except RefusedError as error:
            sighting.refused(error, self._clock())
            raise
        except Exception:  # a defect of ours: Slack and its user are told of a failure
            log.exception("a request could not be answered")
            sighting.refused(INTERNAL_ERROR, self._clock())
            raise INTERNAL_ERROR.copy() from None
        else:
            sighting.answered(answer.status_code, self._clock())
            return answer
        finally:
            if slot is not None and not slot.kept:
                slot.release()


def _parsed(received: Received, sighting: Sighting) -> Delivery | Control:
    """Returns what a request is, after it was noted in `sighting` and logged. Raises RefusedError (400)."""
    found = parse(received.body, received.content_type)
    headers = received.headers
    request_id = received.request_id or headers_of.request_id(headers)
    sighting.parsed(found, headers, request_id)
    if isinstance(found, Control):
        return found
    # For a run from the inbox. Bolt's FastAPI adapter reads all headers from the request itself.
    found.headers = kept = headers_of.kept(headers)
    kept[headers_of.REQUEST_ID] = request_id
    if lines.takes_arrival():
        log_arrival(found)
    return found


def _answer_control(found: Control) -> Acknowledged:
    if found.type == "url_verification":
        return Acknowledged(found.payload["challenge"])
    control.note(found)
    return ACKNOWLEDGED
