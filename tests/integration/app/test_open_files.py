"""A process that may open few files, whose public port somebody fills with connections."""

from __future__ import annotations

from anchorbolt.emulator.samples import make

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.wire import Wire, unverified_head

FILES = 256
CONNECTIONS = 300


async def test_the_probes_answer_while_the_public_port_is_full(start_app: StartApp, play_to: PlayTo) -> None:
    """More connections than the process may have files, idle or with half a request: probes and Slack are answered."""
    app = start_app(prefix=["/bin/sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh"])
    await app.until_ready()
    held = []
    for beginning in (b"", unverified_head() + b"content-length: 9\r\n\r\n{"):
        for _ in range(CONNECTIONS):
            wire = await Wire.to(app)
            await wire.send(beginning)
            held.append(wire)
        assert [await app.probe(path) for path in ("livez", "readyz", "metrics")] == [200] * 3
        assert (await play_to(app).send(make("app_mention"))).status == 200
    for wire in held:
        wire.hang_up()
    assert app.log("no connection can be taken") == []
    app.terminate()
    assert await app.until_ended() == 0
