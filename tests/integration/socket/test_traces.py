"""Over a socket, too, a delivery is one trace."""

from __future__ import annotations

from urllib.parse import parse_qsl

from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.socket_mode.player import SocketPlayer

from tests.integration.socket.conftest import StartConnected
from tests.support.collector import Collector
from tests.support.listener_log import ListenerLog

# OTLP's numbers.
SERVER, CONSUMER = 2, 5


async def test_an_envelope_and_its_runs_are_one_trace(
    start_connected: StartConnected, player: SocketPlayer, listener_log: ListenerLog
) -> None:
    """The envelope is the root, under its own name and without a status of HTTP's; the event's attempts and the
    command's run are under theirs."""
    with Collector() as collector:
        app = start_connected(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        await app.until_ready()
        # 1. An event that fails once, and a command.
        event, command = make("app_mention", Scene(text="fail=1")), make("command", Scene(text="n=1"))
        for sample in (event, command):
            assert (await player.send(sample)).ok
            await listener_log.until_said("done", key=sample.key)
        # 2. What is not sent yet is sent at the end of the drain.
        app.terminate()
        assert await app.until_ended() == 0
    # 3. Two envelopes, with what became of each under it.
    envelopes = {span.attributes["slack.type"]: span for span in collector.spans if span.kind == SERVER}
    assert {span.name for span in envelopes.values()} == {"receive envelope"}
    for of, outcomes in (("app_mention", ["failed", "done"]), (command_name(command.body), ["done"])):
        envelope = envelopes[of]
        assert envelope.attributes["network.protocol.name"] == "websocket"
        assert not [name for name in envelope.attributes if name.startswith("http.")]
        runs = [span for span in collector.spans if span.kind == CONSUMER and span.trace_id == envelope.trace_id]
        assert {span.parent_id for span in runs} == {envelope.span_id}
        assert [span.attributes["anchorbolt.outcome"] for span in sorted(runs, key=lambda span: span.began)] == outcomes


def command_name(body: bytes) -> str:
    """The command of a sample's form."""
    return dict(parse_qsl(body.decode()))["command"]
