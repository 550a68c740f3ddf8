"""What an envelope is answered with."""

from __future__ import annotations

import json
from typing import cast

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import json_text
from anchorbolt.socket_mode.envelopes import EnvelopeRequest
from anchorbolt.socket_mode.message import Envelope
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.response import SocketModeResponse

SAID = {"options": [{"text": "\ud83d"}]}


class Bolt:
    """A Bolt whose listener gives back what a user wrote."""

    async def answer(self, run: Run) -> BoltResponse:
        """Half of a surrogate pair."""
        return BoltResponse(status=200, body=SAID)


async def test_an_ack_may_hold_half_of_a_surrogate_pair() -> None:
    """A listener that gives back what a user wrote acknowledges, as it does over HTTP."""
    request = EnvelopeRequest(Envelope("1", "application/json", b"{}", 0, None), cast("BoltApp", Bolt()))
    answer = await request.ask_bolt(cast("Run", None))
    written = json_text.write(SocketModeResponse("1", answer.payload).to_dict())
    assert json.loads(written) == {"envelope_id": "1", "payload": SAID}
