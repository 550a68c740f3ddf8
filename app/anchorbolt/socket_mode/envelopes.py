"""Answers the envelopes of Socket Mode. Intake treats one as a request without a signature; the ack is the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from slack_bolt.response import BoltResponse

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import json_text
from anchorbolt.errors import RefusedError
from anchorbolt.intake.intake import Acknowledged, Intake, Received
from anchorbolt.intake.sighting import Sighting
from anchorbolt.socket_mode.message import Envelope
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.logs import get_logger

log = get_logger("socket")


@dataclass(frozen=True, slots=True)
class EnvelopeAnswer:
    """What goes back in the ack. Only a status below 300 is acknowledged: Socket Mode has no answer for a failure."""

    status_code: int
    payload: dict[str, Any] | None = None
    body: str = field(default="", repr=False)  # what the payload was made of


class Envelopes:
    """Answers envelopes. One that fails gets no ack: Slack sends an event again, and shows its user an error."""

    def __init__(self, bolt: BoltApp, intake: Intake) -> None:
        self._bolt = bolt
        self._intake = intake

    @property
    def in_flight(self) -> int:
        """The number of envelopes that are being answered or whose listener still runs after its answer."""
        return self._intake.in_flight

    async def answer(self, envelope: Envelope) -> EnvelopeAnswer | None:
        """Returns the answer to acknowledge an envelope with, or None when it must not be acknowledged."""
        try:
            answer = await self._intake.answer(EnvelopeRequest(envelope, self._bolt))
        except RefusedError as refusal:
            log.warning("not acknowledged", reason=refusal.word, retry_num=envelope.retry_num)
            return None
        if isinstance(answer, Acknowledged):
            return EnvelopeAnswer(answer.status_code)
        return answer if answer.status_code < 300 else None


class EnvelopeRequest:
    """A request in an envelope, as intake takes it."""

    way = traces.SOCKET

    def __init__(self, envelope: Envelope, bolt: BoltApp) -> None:
        self._envelope = envelope
        self._bolt = bolt

    async def read(self, sighting: Sighting, deadline: float) -> Received:
        """Returns what Slack would have posted over HTTP. No signature: Slack is known by the connection."""
        envelope = self._envelope
        headers = {b"content-type": envelope.content_type.encode()}
        if envelope.retry_num:
            headers[b"x-slack-retry-num"] = b"%d" % envelope.retry_num
        if envelope.retry_reason is not None:
            headers[b"x-slack-retry-reason"] = envelope.retry_reason.encode("latin-1", "replace")
        return Received(envelope.body, envelope.content_type, headers)

    async def ask_bolt(self, run: Run) -> EnvelopeAnswer:
        """Returns Bolt's answer, converted as Bolt's own adapter for Socket Mode converts it."""
        response: BoltResponse = await self._bolt.answer(run)
        if not response.body:
            return EnvelopeAnswer(response.status)
        if response.headers.get("content-type", [""])[0].startswith("application/json"):
            return EnvelopeAnswer(response.status, json_text.read(response.body), response.body)
        return EnvelopeAnswer(response.status, {"text": response.body}, response.body)
