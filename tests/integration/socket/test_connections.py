"""Connections that end, fall silent, are refused or are to be replaced."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.emulator.socket_mode.player import SocketPlayer

from tests.integration.socket.conftest import StartConnected
from tests.support.app_process import AppProcess
from tests.support.metrics_page import MetricsPage
from tests.support.waiting import until, until_answer


async def readiness(app: AppProcess) -> tuple[int, str]:
    """What /readyz says."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.get(app.internal_url + "readyz", timeout=5)
    return answer.status_code, answer.text


async def until_unready(app: AppProcess, because: str) -> None:
    """Waits until /readyz is 503 and says why."""

    async def is_so() -> bool:
        with contextlib.suppress(httpx.TransportError):
            status, text = await readiness(app)
            return status == 503 and because in text
        return False

    await until_answer(is_so, what=f"not ready because of {because}")


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_new_connection_stands_before_the_old_one_goes(
    start_connected: StartConnected, player: SocketPlayer, slack: Emulator, reason: str
) -> None:
    """When Slack wants a new connection, no envelope fails meanwhile: there is always one that takes it."""
    app = start_connected()
    await app.until_ready()
    (old,) = slack.sockets.open_connections
    await slack.sockets.warn(old, reason, closes_after_seconds=2)
    # 1. Envelopes all the time, until the old connection is gone.
    acks = []
    while not old.ended.is_set():
        acks.append(await player.send(make("message", Scene(text="n=1"))))
        await asyncio.sleep(0.02)
    # 2. None failed, and the new connection had some of them.
    assert [ack.failure for ack in acks if not ack.ok] == []
    (new,) = slack.sockets.open_connections
    assert new.acked > 0
    page = await MetricsPage.of(app)
    assert page.value("anchorbolt_socket_ends_total", reason=reason) == 1


async def test_a_half_open_connection_is_given_up(
    start_connected: StartConnected, player: SocketPlayer, slack: Emulator
) -> None:
    """Where nothing is heard any more and nobody says so, the connection is dead by the clock, and opened anew."""
    app = start_connected(SOCKET_SILENT_SECONDS=1)
    await app.until_ready()
    (dead,) = slack.sockets.open_connections
    dead.half_open = True
    await app.until_logged("connection to Slack lost")
    await until(lambda: len(slack.sockets.connections) == 2, what="another connection")
    alive = slack.sockets.connections[1]
    await until(lambda: alive.is_open, what="it is open")
    page = await MetricsPage.of(app)
    assert page.value("anchorbolt_socket_ends_total", reason="silent") == 1
    await until(lambda: slack.sockets.open_connections == [alive], what="Slack noticed too")
    assert (await player.send(make("message", Scene(text="n=1")))).ok


async def test_a_quiet_connection_is_no_dead_one(start_connected: StartConnected, slack: Emulator) -> None:
    """A connection over which nobody writes stays: pings are a sign of life."""
    app = start_connected(SOCKET_SILENT_SECONDS=0.5)
    await app.until_ready()
    await asyncio.sleep(3)  # six silences long: what must not happen cannot be waited for
    assert slack.sockets.opened == 1
    assert len(slack.sockets.open_connections) == 1


async def test_without_a_hello_nothing_stands(start_connected: StartConnected, slack: Emulator) -> None:
    """A WebSocket that is opened without a hello is no connection: not ready, and tried again until it is."""
    slack.sockets.sends_hello = False
    app = start_connected(SOCKET_SILENT_SECONDS=1)
    await until_unready(app, "Slack cannot be reached")
    slack.sockets.sends_hello = True
    await app.until_ready()
    page = await MetricsPage.of(app)
    assert page.value("anchorbolt_socket_opens_total", result="unreachable") >= 1
    assert page.value("anchorbolt_socket_connections") == 1


async def test_a_revoked_token_is_said_once_and_makes_no_storm(
    start_connected: StartConnected, slack: Emulator
) -> None:
    """A token that Slack refuses: not ready, one line that says what to do, and no second call within seconds."""
    slack.script.add(Line(method="apps.connections.open", error="token_revoked", times=None))
    app = start_connected()
    await until_unready(app, "token_revoked")
    await asyncio.sleep(3)  # a storm would have come
    assert slack.calls.by_method["apps.connections.open"] == 1
    (line,) = app.log("not connected to Slack")
    assert "SLACK_APP_TOKEN" in line["error"]
    assert (await MetricsPage.of(app)).value("anchorbolt_socket_opens_total", result="refused") == 1
    app.terminate()
    assert await app.until_ended() == 0


async def test_too_many_connections_are_said_once_and_make_no_storm(
    start_connected: StartConnected, slack: Emulator
) -> None:
    """Slack allows ten: the eleventh is told to be fewer, is not ready, and does not ask Slack all the time."""
    slack.sockets.connection_limit = 0
    app = start_connected()
    await until_unready(app, "too_many_websockets")
    await asyncio.sleep(3)  # a storm would have come
    assert slack.sockets.opened == 1
    (line,) = app.log("not connected to Slack")
    assert "SOCKET_CONNECTIONS=single" in line["error"]


async def test_a_slack_that_is_broken_is_asked_ever_more_seldom(
    start_connected: StartConnected, slack: Emulator
) -> None:
    """While Slack answers with errors, tries get fewer; when it is well again, the process gets ready by itself."""
    slack.script.add(Line(method="apps.connections.open", status=503, times=None))
    app = start_connected()
    await until_unready(app, "Slack cannot be reached")
    await asyncio.sleep(4)  # at most: now, +0.5, +1.5, +3.5
    assert slack.calls.by_method["apps.connections.open"] <= 6
    assert len(app.log("not connected to Slack")) == 1
    slack.script.clear()
    await app.until_ready()


async def test_a_connection_that_is_broken_off_is_opened_again(
    start_connected: StartConnected, player: SocketPlayer, slack: Emulator
) -> None:
    """Slack ends the connection without a word: the next one is open soon."""
    app = start_connected()
    await app.until_ready()
    await slack.sockets.open_connections[0].close()
    await until(lambda: slack.sockets.open_connections, what="another connection")
    assert (await player.send(make("message", Scene(text="n=1")))).ok
    assert (await MetricsPage.of(app)).value("anchorbolt_socket_ends_total", reason="closed") == 1


async def test_no_secret_is_in_the_log(start_connected: StartConnected, player: SocketPlayer) -> None:
    """Neither the app-level token nor the ticket of a connection is written anywhere."""
    app = start_connected(SLACK_APP_TOKEN="xapp-planted-secret")
    await app.until_ready()
    await player.send(make("message", Scene(text="n=1")))
    app.terminate()
    await app.until_ended()
    assert "planted" not in app.log_text()
    assert "ticket" not in app.log_text()
