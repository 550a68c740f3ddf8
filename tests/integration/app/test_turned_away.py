"""What is refused before any work, with the real server and real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog
from tests.support.metrics_page import MetricsPage
from tests.support.wire import HEAD, Wire

REQUEST = HEAD + b"content-length: 2\r\n\r\n{}"
OVERLOADED = (503, {"error": "overloaded"})
UNSIGNED = (401, {"error": "missing_signature"})


@pytest.fixture
async def full(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog) -> AsyncIterator[AppProcess]:
    """An app whose one place is taken by a command that runs until `go`."""
    app = start_app(MAX_IN_FLIGHT=1)
    await app.until_ready()
    held = await play_to(app).send(make("command", Scene(text="hold=go")))
    assert held.status == 200
    yield app
    listener_log.release("go")


async def test_a_connection_goes_on_after_a_refusal(full: AppProcess, listener_log: ListenerLog) -> None:
    """One connection is refused again and again, each time counted once, until there is a place."""
    wire = await Wire.to(full)
    for _ in range(3):
        await wire.send(REQUEST)
        assert await wire.answer() == OVERLOADED
    page = await MetricsPage.of(full)
    assert page.value("anchorbolt_refused_total", reason="overloaded") == 3
    assert page.value("anchorbolt_answers_total", kind="unknown", result="failed") == 3
    listener_log.release("go")
    await full.until_logged_where(event="delivery ended")
    await wire.send(REQUEST)
    assert await wire.answer() == UNSIGNED


async def test_requests_in_one_piece(full: AppProcess) -> None:
    """Requests that come at once are answered each, in their order."""
    wire = await Wire.to(full)
    await wire.send(REQUEST * 20)
    for _ in range(20):
        assert await wire.answer() == OVERLOADED


async def test_a_body_that_comes_later(full: AppProcess) -> None:
    """A request in pieces is refused like one that comes whole, and counted once."""
    wire = await Wire.to(full)
    await wire.send(HEAD + b"content-length: 4\r\n\r\n{")
    assert await wire.answer() == OVERLOADED
    await wire.send(b"  }")
    await wire.send(REQUEST)
    assert await wire.answer() == OVERLOADED
    page = await MetricsPage.of(full)
    assert page.value("anchorbolt_refused_total", reason="overloaded") == 2


@pytest.mark.parametrize(
    "request_bytes",
    [REQUEST.replace(b"host: app", b"host: app\r\nconnection: close"), REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0")],
    ids=["asked to", "HTTP/1.0"],
)
async def test_a_connection_that_is_to_be_closed(full: AppProcess, request_bytes: bytes) -> None:
    """After a refusal a connection is closed where its client asks for that, or knows no other way."""
    wire = await Wire.to(full)
    await wire.send(request_bytes + REQUEST)
    assert await wire.answer() == OVERLOADED
    assert await wire.is_closed()


async def test_other_paths(full: AppProcess) -> None:
    """What is not Slack's is not refused for want of a place."""
    wire = await Wire.to(full)
    await wire.send(b"GET / HTTP/1.1\r\nhost: app\r\n\r\n")
    status, _ = await wire.answer()
    assert status == 404


async def test_a_client_that_reads_no_answers(full: AppProcess) -> None:
    """One that only sends is not written to for ever: it is read no further, and others are served."""
    deaf = await Wire.to(full)
    deaf.send_without_waiting(REQUEST * 100_000)
    other = await Wire.to(full)
    for _ in range(100):
        await other.send(REQUEST)
        assert await other.answer() == OVERLOADED
    page = await MetricsPage.of(full)
    assert page.value("anchorbolt_refused_total", reason="overloaded") < 100_000
    deaf.hang_up()
