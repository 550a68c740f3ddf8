"""One process in Socket Mode: every kind of request goes its way, and is acknowledged when it may be."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.socket_mode.player import SocketPlayer

from tests.integration.socket.conftest import StartConnected
from tests.support.listener_log import ListenerLog
from tests.support.metrics_page import MetricsPage
from tests.support.waiting import until, until_answer


async def test_every_kind_is_acknowledged_and_done(
    start_connected: StartConnected, player: SocketPlayer, slack: Emulator
) -> None:
    """What Slack sends over sockets is acknowledged once each, over the connection that it came by."""
    app = start_connected(LISTENERS="anchorbolt_sample")
    await app.until_ready()
    samples = [sample for kind in SAMPLES if (sample := make(kind, Scene(slack_url=slack.url))).family != "control"]
    for sample in samples:
        assert (await player.send(sample)).ok, sample.kind
    await until(lambda: len(app.log("delivery ended")) >= len(samples), what="all have ended")
    (connection,) = slack.sockets.connections
    assert (connection.sent, connection.acked, connection.unexpected_acks) == (len(samples), len(samples), [])
    assert {line["outcome"] for line in app.log("delivery ended")} <= {"done", "unmatched"}


async def test_bolts_ack_is_the_payload(start_connected: StartConnected, player: SocketPlayer) -> None:
    """What a listener gives ack() goes back in the envelope's ack: a text as Slack wants it, options as they are."""
    app = start_connected()
    await app.until_ready()
    command = await player.send(make("command", Scene(text="n=1")))
    assert json.loads(command.body) == {"text": "taken"}
    assert json.loads((await player.send(make("block_suggestion"))).body) == {"options": []}
    assert (await player.send(make("shortcut"))).body == b""


async def test_a_retry_runs_nothing_twice(
    start_connected: StartConnected, player: SocketPlayer, listener_log: ListenerLog
) -> None:
    """An event that comes again, in another envelope, is acknowledged again and was run once."""
    app = start_connected()
    await app.until_ready()
    sample = make("message", Scene(text="n=1"))
    assert (await player.send(sample)).ok
    await listener_log.until_said("done", key=sample.key)
    assert (await player.send(sample, retry_num=1, retry_reason="timeout")).ok
    await app.until_logged("duplicate")
    assert listener_log.counts("start")[sample.key or ""] == 1
    page = await MetricsPage.of(app)
    assert page.value("anchorbolt_slack_retries_total", reason="timeout") == 1
    assert page.value("anchorbolt_answers_total", kind="event", result="ok") == 2


async def test_what_failed_before_its_ack_is_not_acknowledged(start_connected: StartConnected, slack: Emulator) -> None:
    """A command whose listener raises, returns without ack() or never comes to it stays without an ack."""
    app = start_connected(ACK_DEADLINE_SECONDS=0.5)
    await app.until_ready()
    player = SocketPlayer(slack.sockets, wait_seconds=1)
    texts = ("early=1", "ack=none", "ack=never work=30")
    acks = await asyncio.gather(*(player.send(make("command", Scene(text=text))) for text in texts))
    assert [ack.failure for ack in acks] == ["timeout"] * 3
    assert (await player.send(make("command", Scene(text="n=1")))).ok


async def test_no_public_port_is_opened(start_connected: StartConnected) -> None:
    """In Socket Mode nobody listens on PORT, and the probes are where they always are."""
    app = start_connected()
    await app.until_ready()
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(app.url)
    assert await app.probe("livez") == 200


async def test_a_drain_acknowledges_and_finishes_what_came(
    start_connected: StartConnected, player: SocketPlayer, listener_log: ListenerLog, slack: Emulator
) -> None:
    """At SIGTERM a command that waits for its ack gets it, what runs is finished, and the connection is closed."""
    app = start_connected()
    await app.until_ready()
    event = make("message", Scene(text="hold=go"))
    assert (await player.send(event)).ok
    answering = asyncio.create_task(player.send(make("command", Scene(text="ack=hold hold=go"))))
    await listener_log.until_said("waits")
    await listener_log.until_said("start", key=event.key)
    app.terminate()
    await app.until_logged("draining")
    listener_log.release("go")
    assert (await answering).ok
    assert await app.until_ended() == 0
    assert len(listener_log.entries("done")) == 2
    assert slack.sockets.open_connections == []


async def test_over_the_bound_envelopes_are_left_alone(
    start_connected: StartConnected, slack: Emulator, listener_log: ListenerLog
) -> None:
    """Beyond MAX_IN_FLIGHT an envelope is not acknowledged, and counted; with room again the next one is."""
    app = start_connected(MAX_IN_FLIGHT=1)
    await app.until_ready()
    player = SocketPlayer(slack.sockets, wait_seconds=10)
    holding = asyncio.create_task(player.send(make("command", Scene(text="ack=hold hold=go"))))
    await listener_log.until_said("waits")
    hasty = SocketPlayer(slack.sockets, wait_seconds=0.3)
    assert not (await hasty.send(make("message"))).ok
    listener_log.release("go")
    assert (await holding).ok

    async def has_room() -> bool:
        return (await MetricsPage.of(app)).value("anchorbolt_requests_in_flight") == 0

    await until_answer(has_room, what="the command has ended")
    assert (await player.send(make("message"))).ok
    page = await MetricsPage.of(app)
    assert page.value("anchorbolt_refused_total", reason="overloaded") == 1
