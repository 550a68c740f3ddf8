"""Whatever bytes come before a verified signature: they take no slot, and the process goes on answering."""

from __future__ import annotations

import asyncio
import socket

from anchorbolt.emulator.player import Player, client, request_headers
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import JSON, Sample
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery
from anchorbolt.http.server import Server
from anchorbolt.intake.intake import Intake
from anchorbolt.lifecycle.transport import HttpTransport
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.app_in_process import app_in_process
from tests.support.wire import Wire

CONNECTIONS = 4


def head(*fields: str, forgery: Forgery = Forgery.BAD_SIGNATURE) -> bytes:
    """The head of a request that Slack did not sign."""
    own = request_headers(Sample("", "", JSON, b"{}"), EMULATOR_SECRET, forgery=forgery)
    lines = [f"{name}: {value}" for name, value in own.items()] + list(fields)
    return ("POST /slack/events HTTP/1.1\r\nHost: app\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()


PARTS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            *(head("Content-Length: 2", forgery=forgery) for forgery in Forgery),
            head("Content-Length: 5000"),
            head("Transfer-Encoding: chunked"),
            head("Transfer-Encoding: chunked", "Content-Length: 2"),
            head("Content-Length: 30", "Connection: Upgrade", "Upgrade: websocket"),
            head("Content-Length: 2")[:-30],
            *(
                b"{}",
                b"2\r\n{}\r\n",
                b"0\r\n\r\n",
                b"0\r\nX-Slack-Signature: v0=1\r\n\r\n",
                b"ffffffff\r\n",
                b"\r\n\r\n",
            ),
            *(b"GET /slack/events HTTP/1.1\r\n\r\n" * 50, b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"),
            *(b"x: " + b"a" * 70_000, b"a:\r\n" * 200, b"POST / HTTP/1.0\r\n", b"\x16\x03\x01\x02\x00"),
        ]
    ),
)


def test_any_bytes_leave_the_slots_free() -> None:
    """Any parts, spread over some connections, take no slot of a process that has one, and a signed event is 200."""
    with asyncio.Runner() as runner:
        app = app_in_process(max_in_flight=1, ack_deadline_seconds=2.9)
        parts = runner.run(app.__aenter__())
        assert isinstance(parts.parts.transport, HttpTransport)
        sock = socket.create_server(("127.0.0.1", 0))
        server = Server(parts.parts.transport.application, [sock], finish_seconds=1, head_seconds=2.9)
        runner.run(server.start())
        port = sock.getsockname()[1]

        @settings(max_examples=60, deadline=None)
        @given(st.lists(st.tuples(st.integers(0, CONNECTIONS - 1), PARTS), max_size=12))
        def play(sent: list[tuple[int, bytes]]) -> None:
            runner.run(attack(port, parts.intake, sent))

        try:
            play()
        finally:
            runner.run(server.stop())
            runner.run(app.__aexit__(None, None, None))


async def attack(port: int, intake: Intake, sent: list[tuple[int, bytes]]) -> None:
    """Sends the parts, and asks as Slack does while their connections are still open."""
    wires = [await Wire.to_port(port) for _ in range(CONNECTIONS)]
    for number, part in sent:
        await wires[number].send(part)
        await asyncio.sleep(0)
        assert intake.in_flight == 0
    async with client(keep_alive=False, connections=1) as http:
        player = Player(http, f"http://127.0.0.1:{port}/slack/events", EMULATOR_SECRET, wait_seconds=30)
        assert (await player.send(make("app_mention"))).status == 200
    assert intake.in_flight == 0
    for wire in wires:
        wire.hang_up()
