"""A request that is there as a whole is answered below ASGI, any other over it: nobody can tell the difference.

What has a query is answered over ASGI, whole or not: so each request can be sent both ways.
"""

from __future__ import annotations

import pytest
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.samples.sample import FORM, JSON, Sample
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery

from tests.integration.app.conftest import StartApp
from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog
from tests.support.metrics_page import MetricsPage
from tests.support.wire import Wire


def written(sample: Sample, *, forgery: Forgery | None = None, query: str = "", more: str = "") -> bytes:
    """A signed request, as bytes."""
    fields = request_headers(sample, EMULATOR_SECRET, forgery=forgery) | {"Content-Length": str(len(sample.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + more
    return f"POST /slack/events{query} HTTP/1.1\r\nHost: app\r\n{lines}\r\n".encode() + sample.body


async def answers(app: AppProcess, requests: list[bytes]) -> list[tuple[int, dict[bytes, bytes], bytes]]:
    """What each is answered with on a connection of its own, but for the date; that is there."""
    found = []
    for request in requests:
        wire = await Wire.to(app)
        await wire.send(request)
        status, fields, body = await wire.whole_answer()
        assert fields.pop(b"date").endswith(b" gmt")
        if b"connection" in fields:
            assert await wire.is_closed()
        wire.hang_up()
        found.append((status, fields, body))
    return found


def refused() -> list[Sample]:
    """Requests that are refused, or answered at once, each for another reason."""
    return [
        Sample("", "", JSON, b"{"),
        Sample("", "", JSON, b"\xff"),
        Sample("", "", JSON, b""),
        Sample("", "", FORM, b"text=1"),
        Sample("", "", "text/plain", b"{}"),
        Sample("", "", "Application/JSON ; charset=utf-8", b'{"type":"url_verification","challenge":"x"}'),
        Sample("", "", JSON, b"x" * 20_001),
    ]


@pytest.fixture
async def app(start_app: StartApp) -> AppProcess:
    """The app, with listeners that take everything."""
    found = start_app(MAX_BODY_BYTES=20_000)
    await found.until_ready()
    return found


async def test_answers_are_the_same(app: AppProcess) -> None:
    """Status, headers and body are the same for every kind of request, and for what is refused."""
    samples = [make(kind) for kind in SAMPLES] + refused()
    both = [await answers(app, [written(sample, query=query) for sample in samples]) for query in ("", "?asgi=1")]
    assert both[0] == both[1]
    forged = [
        await answers(app, [written(make("app_mention"), forgery=forgery, query=query) for forgery in Forgery])
        for query in ("", "?asgi=1")
    ]
    assert forged[0] == forged[1]
    assert {status for status, *_ in both[0] + forged[0]} == {200, 400, 401, 413, 415}


@pytest.mark.parametrize("more", ["Connection: close\r\n", "Connection: keep-alive\r\n", "Upgrade: x\r\n"])
async def test_what_becomes_of_a_connection_is_the_same(app: AppProcess, more: str) -> None:
    """The connection is kept, or closed, as its client asks, and the answer says so."""
    ways = [await answers(app, [written(make("app_mention"), query=query, more=more)]) for query in ("", "?asgi=1")]
    assert ways[0] == ways[1]
    assert (b"connection" in ways[0][0][1]) is ("close" in more)


async def test_what_is_counted_is_the_same(app: AppProcess) -> None:
    """Answers and refusals are counted alike."""

    async def counts() -> dict[str, float]:
        page = await MetricsPage.of(app)
        return {
            "answered": page.value("anchorbolt_answers_total", kind="event", result="ok"),
            "unsigned": page.value("anchorbolt_refused_total", reason="bad_signature"),
            "in flight": page.value("anchorbolt_requests_in_flight"),
        }

    for times, query in enumerate(("", "?asgi=1"), 1):
        requests = [written(make("app_mention"), query=query) for _ in range(3)]
        requests.append(written(make("app_mention"), query=query, forgery=Forgery.BAD_SIGNATURE))
        await answers(app, requests)
        assert await counts() == {"answered": 3 * times, "unsigned": times, "in flight": 0}


async def test_the_next_request_waits_for_its_turn(app: AppProcess, listener_log: ListenerLog) -> None:
    """What comes while a command waits for its ack is answered behind it, and works; so does the drain that follows."""
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
    assert await app.until_ended() == 0
    assert "Traceback" not in app.log_text()
