"""A client that sends a request before the one before is answered."""

from __future__ import annotations

from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import Sample
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.app.conftest import StartApp
from tests.support.listener_log import ListenerLog
from tests.support.wire import Wire


def written(sample: Sample) -> bytes:
    """A signed request, as bytes."""
    fields = request_headers(sample, EMULATOR_SECRET) | {"Content-Length": str(len(sample.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /slack/events HTTP/1.1\r\nHost: app\r\n{lines}\r\n".encode() + sample.body


async def test_the_next_request_waits_for_its_turn(start_app: StartApp, listener_log: ListenerLog) -> None:
    """What comes while a command waits for its ack is not looked at. When a drain begins meanwhile, the command is
    answered, told that it was the last of its connection, and what came behind it was not begun.
    """
    app = start_app()
    await app.until_ready()
    wire = await Wire.to(app)
    await wire.send(written(make("command", Scene(text="ack=hold hold=go"))))
    await listener_log.until_said("waits")
    event = written(make("app_mention"))
    await wire.send(event[:100])
    await wire.send(event[100:])
    app.terminate()
    await app.until_logged("draining")
    listener_log.release("go")
    status, fields, body = await wire.whole_answer()
    assert (status, fields[b"connection"], body) == (200, b"close", b"taken")
    assert await wire.is_closed()
    assert await app.until_ended() == 0
    assert "Traceback" not in app.log_text()
