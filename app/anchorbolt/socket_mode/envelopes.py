"""The way of an envelope: that of a request without a signature; its ack, by its id, is the answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from slack_bolt.response import BoltResponse

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Control, Kind, json_text, parse
from anchorbolt.errors import RefusedError
from anchorbolt.intake import control
from anchorbolt.intake.events import Events
from anchorbolt.intake.interactions import Interactions
from anchorbolt.intake.sighting import Sighting, turned_away
from anchorbolt.intake.slots import OVERLOADED, Bounds, Place, Places
from anchorbolt.socket_mode.message import Envelope
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.logs import get_logger

log = get_logger("receiver")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back in the ack. Only a status below 300 is acknowledged: Socket Mode knows no other answer."""

    status_code: int
    payload: dict[str, Any] | None = None


class Envelopes:
    """Answers envelopes. What may not be acknowledged is left alone: Slack sends events again, and tells its user."""

    def __init__(self, bolt: BoltApp, events: Events, interactions: Interactions, bounds: Bounds) -> None:
        self._bolt = bolt
        self._events = events
        self._interactions = interactions
        self._deadline_seconds = bounds.deadline_seconds
        self._places = Places(bounds.max_in_flight)
        self._clock = time.monotonic  # the loop's

    @property
    def in_flight(self) -> int:
        """How many are being answered, with the unstored listeners that go on."""
        return self._places.taken

    async def answer(self, envelope: Envelope) -> Answer | None:
        """The answer to acknowledge an envelope with, or None when it must not be acknowledged."""
        if self._places.full:
            turned_away(OVERLOADED)
            _say_left_alone(envelope, OVERLOADED)
            return None
        sighting = Sighting(self._clock(), traces.SOCKET)
        place = self._places.take()
        try:
            answer = await self._answer(envelope, place, sighting)
        except RefusedError as refusal:
            sighting.refused(refusal, self._clock())
            _say_left_alone(envelope, refusal)
            return None
        except Exception:  # a defect of ours: Slack and its user are told of a failure, and the log of the defect
            sighting.refused(RefusedError(503, "internal_error"), self._clock())
            log.exception("an envelope could not be answered")
            return None
        else:
            sighting.answered(answer.status_code, self._clock())
            return answer if answer.status_code < 300 else None
        finally:
            if not place.kept:
                place.leave()

    async def _answer(self, envelope: Envelope, place: Place, sighting: Sighting) -> Answer:
        deadline = sighting.arrived + self._deadline_seconds
        found = parse(envelope.body, envelope.content_type)
        sighting.parsed(found, envelope.retry_reason, None)
        if isinstance(found, Control):
            control.note(found)
            return Answer(200)
        if found.kind is Kind.EVENT:
            await self._events.accept(found, deadline, envelope.retry_num or None)
            sighting.mark("accepted")
            return Answer(200)
        place.kept = True
        answer = await self._interactions.answer(found, deadline, place.leave, self._ask_bolt)
        sighting.mark("acknowledged")
        return answer

    async def _ask_bolt(self, run: Run) -> Answer:
        return _as_answer(await self._bolt.answer(run))


def _as_answer(response: BoltResponse) -> Answer:
    """As Bolt's own adapter for Socket Mode translates what ack() was given."""
    if not response.body:
        return Answer(response.status)
    if response.headers.get("content-type", [""])[0].startswith("application/json"):
        return Answer(response.status, json_text.read(response.body))
    return Answer(response.status, {"text": response.body})


def _say_left_alone(envelope: Envelope, refusal: RefusedError) -> None:
    log.warning("not acknowledged", reason=refusal.word, retry_num=envelope.retry_num)
