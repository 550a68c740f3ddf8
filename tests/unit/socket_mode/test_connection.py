"""One connection of Socket Mode, with the emulator at its other end."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from anchorbolt.emulator.socket_mode.sockets import Sockets
from anchorbolt.socket_mode.connection import Connection
from anchorbolt.socket_mode.envelopes import EnvelopeAnswer
from anchorbolt.socket_mode.message import Envelope

LATER = 10.0
ENVELOPE = {"type": "events_api", "envelope_id": "E1", "payload": {}}


async def answer(envelope: Envelope) -> EnvelopeAnswer | None:
    """Acknowledges at once."""
    return EnvelopeAnswer(200)


@pytest.mark.parametrize("how_many", [0, 1, 5])
async def test_what_has_arrived_is_acknowledged_before_the_connection_is_closed(how_many: int) -> None:
    """1. Envelopes are in the socket, not read yet; 2. the connection is closed gracefully; 3. each has its ack."""
    sockets = Sockets("127.0.0.1")
    await sockets.start()
    url = str(sockets.open({"token": "xapp-made-up"}, "", "127.0.0.1")["url"])
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoping=False) as socket:
        ours = Connection(socket, answer, lambda: True, LATER, time.monotonic)
        await ours.hello.wait()
        (theirs,) = sockets.open_connections
        sending = [
            asyncio.ensure_future(theirs.send(ENVELOPE | {"envelope_id": f"E{n}"}, LATER)) for n in range(how_many)
        ]
        await asyncio.sleep(0)  # each is sent in the first turn of its task
        assert theirs.sent == how_many
        await ours.close_gracefully(LATER)
        await theirs.ended.wait()
        assert theirs.acked == how_many
    await asyncio.gather(*sending)
    await sockets.stop()
