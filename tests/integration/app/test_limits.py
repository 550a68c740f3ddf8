"""What one request and one listener may take, with the real server and real connections."""

from __future__ import annotations

import asyncio
import json

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.listener_log import ListenerLog
from tests.support.wire import HEAD, Wire, unverified_head


async def test_bodies_that_are_too_much(start_app: StartApp) -> None:
    """A body over the limit is 413 before it was sent, declared or in chunks, and its connection is closed."""
    app = start_app(MAX_BODY_BYTES=1000)
    await app.until_ready()
    declared = await Wire.to(app)
    await declared.send(HEAD + b"content-length: 1001\r\n\r\n")
    assert await declared.answer() == (413, {"error": "too_large"})
    assert await declared.is_closed()
    in_chunks = await Wire.to(app)
    await in_chunks.send(unverified_head() + b"transfer-encoding: chunked\r\n\r\n" + b"fa\r\n" + b"x" * 250 + b"\r\n")
    for _ in range(4):
        await in_chunks.send(b"fa\r\n" + b"x" * 250 + b"\r\n")
    assert await in_chunks.answer() == (413, {"error": "too_large"})
    assert await in_chunks.is_closed()


async def test_a_body_that_does_not_come(start_app: StartApp) -> None:
    """A body that is not there by the deadline is 408, and its connection is closed."""
    app = start_app(ACK_DEADLINE_SECONDS=0.3)
    await app.until_ready()
    wire = await Wire.to(app)
    await wire.send(unverified_head() + b"content-length: 100\r\n\r\n{")
    assert await wire.answer() == (408, {"error": "slow_body"})
    assert await wire.is_closed()


async def test_a_body_that_nobody_reads(start_app: StartApp) -> None:
    """1. A request is answered before its body; 2. that comes byte by byte: its connection ends. 3. One that is soon
    whole leaves its connection as it was.
    """
    app = start_app(ACK_DEADLINE_SECONDS=0.3)
    await app.until_ready()
    refused = b"POST /x HTTP/1.1\r\nhost: app\r\ncontent-length: 1000000\r\n\r\n"
    wire = await Wire.to(app)
    await wire.send(refused)
    assert (await wire.answer())[0] == 404
    async with asyncio.timeout(20):
        while wire.is_open:
            await wire.send(b"a")
            await asyncio.sleep(0.01)

    wire = await Wire.to(app)
    await wire.send(refused.replace(b"1000000", b"4"))
    assert (await wire.answer())[0] == 404
    for _ in range(4):
        await wire.send(b"a")
    await asyncio.sleep(0.6)  # longer than a body gets: what has ended is not waited for
    await wire.send(HEAD + b"content-length: 2\r\n\r\n{}")
    assert await wire.answer() == (401, {"error": "missing_signature"})


async def test_a_head_that_does_not_end(start_app: StartApp, play_to: PlayTo) -> None:
    """A head that is too large or too slow is refused, its connection closed, and nobody else waits for it."""
    app = start_app(ACK_DEADLINE_SECONDS=0.5)
    await app.until_ready()
    # 1. One long header, and many short ones, whether or not the client waits for what it is told.
    for beginning, endless in ((b"x-long: ", b"a" * 70_000), (b"", b"x-short: a\r\n" * 6_000)):
        wire = await Wire.to(app)
        await wire.send(HEAD + beginning + endless)
        assert await wire.answer() == (431, {"error": "head_too_large"})
        assert await wire.is_closed()
        deaf = await Wire.to(app)
        await deaf.send(HEAD + beginning)
        while deaf.is_open:
            await deaf.send(endless)
        assert await deaf.is_closed_after_an_answer()
    # 2. One that stops in its middle; on a fresh connection, and after a request.
    wire = await Wire.to(app)
    await wire.send(HEAD)
    assert await wire.answer() == (408, {"error": "slow_head"})
    assert await wire.is_closed()
    wire = await Wire.to(app)
    await wire.send(HEAD + b"content-length: 2\r\n\r\n{}")
    assert await wire.answer() == (401, {"error": "missing_signature"})
    await wire.send(HEAD)
    assert await wire.answer() == (408, {"error": "slow_head"})
    # 3. Everybody else is served, and a large body is no head.
    large = make("app_mention", Scene(text="a" * 500_000))
    assert (await play_to(app).send(large)).status == 200
    app.terminate()
    assert await app.until_ended() == 0


async def test_what_is_no_http(start_app: StartApp) -> None:
    """What is no HTTP, or two lengths at once, is answered by the server itself, which goes on."""
    app = start_app()
    await app.until_ready()
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"nonsense\r\n\r\n", HEAD + b"content-length: -1\r\n\r\n"):
        wire = await Wire.to(app)
        await wire.send(junk)
        assert (await wire.all_there_is()).startswith((b"HTTP/1.1 400", b""))
        wire.hang_up()
    assert await app.probe("readyz") == 200
    assert "Traceback" not in app.log_text()


async def test_a_client_that_hangs_up(start_app: StartApp, listener_log: ListenerLog) -> None:
    """A command whose client is gone before the answer runs on to its end."""
    app = start_app()
    await app.until_ready()
    sample = make("command", Scene(text="ack=hold hold=go"))
    wire = await Wire.to(app)
    fields = request_headers(sample, EMULATOR_SECRET) | {"host": "app", "content-length": str(len(sample.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    await wire.send(b"POST /slack/events HTTP/1.1\r\n" + head.encode() + b"\r\n" + sample.body)
    await listener_log.until_said("waits")
    wire.hang_up()
    listener_log.release("go")
    await listener_log.until_said("done", key=sample.key)
    app.terminate()
    assert await app.until_ended() == 0
    assert "Traceback" not in app.log_text()


async def test_no_ack_by_the_deadline(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> None:
    """A command that is never acknowledged is 503, its listener is cancelled, and it does not run again."""
    app = start_app(ACK_DEADLINE_SECONDS=0.3)
    await app.until_ready()
    ack = await play_to(app).send(make("command", Scene(text="ack=never hold=never")))
    assert (ack.status, json.loads(ack.body)) == (503, {"error": "ack_timeout"})
    await listener_log.until_said("cancelled")
    (line,) = await app.until_logged_where(event="delivery ended", key=ack.sample.key)
    assert line["outcome"] == "failed"
    app.terminate()
    assert await app.until_ended() == 0
    assert [entry.what for entry in listener_log.entries()] == ["start", "cancelled"]


async def test_more_than_may_be_in_flight(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> None:
    """Over MAX_IN_FLIGHT everything is 503 with its word; when there is a place again, all is taken."""
    app = start_app(MAX_IN_FLIGHT=3)
    await app.until_ready()
    held = [await play_to(app).send(make("command", Scene(text="hold=go"))) for _ in range(3)]
    assert [ack.status for ack in held] == [200] * 3
    over = await asyncio.gather(*(play_to(app).send(make(kind)) for kind in ("app_mention", "command") * 5))
    assert {(ack.status, ack.body) for ack in over} == {(503, b'{"error":"overloaded"}')}
    listener_log.release("go")
    await listener_log.until_said("done", 3)
    for ack in held:
        await app.until_logged_where(event="delivery ended", key=ack.sample.key)
    assert (await play_to(app).send(make("app_mention"))).status == 200


async def test_slack_asks_to_be_left_alone(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, slack: Emulator
) -> None:
    """A call that is limited twice waits at its gate for each Retry-After, and is no failed attempt."""
    app = start_app()
    await app.until_ready()
    slack.script.add(Line(method="api.test", error="ratelimited", retry_after_seconds=1, times=2))
    sample = make("app_mention", Scene(text="api=api.test"))
    assert (await play_to(app).send(sample)).status == 200
    (done,) = await listener_log.until_said("done", key=sample.key)
    assert done.attempt == 1
    assert listener_log.entries("failed") == []
    first, second, third = (call.at for call in slack.calls.since(method="api.test"))
    assert second - first >= 1
    assert third - second >= 1


async def test_failures_are_tried_again_until_they_are_dead(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """What fails twice is done at its third attempt; what always fails is a dead letter after MAX_ATTEMPTS."""
    app = start_app(MAX_ATTEMPTS=3)
    await app.until_ready()
    twice, always = (make("app_mention", Scene(text=f"fail={times}")) for times in (2, 99))
    for sample in (twice, always):
        assert (await play_to(app).send(sample)).status == 200
    (done,) = await listener_log.until_said("done", key=twice.key)
    assert (done.attempt, done.is_last) == (3, True)
    (dead,) = await app.until_logged_where(outcome="dead")
    assert (dead["key"], dead["error"]) == (always.key, "AskedToFailError: as the text says")
    assert listener_log.counts("failed")[str(always.key)] == 3


async def test_a_head_that_a_proxy_passes_on(start_app: StartApp) -> None:
    """Proxies let heads of up to 64 KiB through: one that is almost so large is answered like any other."""
    app = start_app()
    await app.until_ready()
    wire = await Wire.to(app)
    await wire.send(HEAD + b"x-long: " + b"a" * 60_000 + b"\r\ncontent-length: 2\r\n\r\n{}")
    assert await wire.answer() == (401, {"error": "missing_signature"})
