"""What a listener gives ack() is what goes back."""

from __future__ import annotations

import json

from anchorbolt.delivery import json_text
from anchorbolt.socket_mode.envelopes import _as_answer
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.response import SocketModeResponse


def test_an_ack_may_hold_half_of_a_surrogate_pair() -> None:
    """A listener that gives back what a user wrote acknowledges, as it does over HTTP."""
    said = {"options": [{"text": "\ud83d"}]}
    answer = _as_answer(BoltResponse(status=200, body=said))
    written = json_text.write(SocketModeResponse("1", answer.payload).to_dict())
    assert json.loads(written) == {"envelope_id": "1", "payload": said}
