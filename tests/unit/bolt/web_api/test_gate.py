"""After Slack has limited a method for a workspace, calls of it wait at a gate instead of asking again."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api import gate as gates_module
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.bolt.web_api.gate import Gate, Gates

from tests.support.canned_server import answer, canned_server
from tests.support.waiting import until
from tests.unit.bolt.web_api.clients import a_client, post

OK = answer(b'{"ok": true, "ts": "1.2"}')
METHOD = "chat.postMessage"


def limited(retry_after: bytes) -> bytes:
    """An answer of 429."""
    return answer(b'{"ok": false, "error": "ratelimited"}', b"Retry-After: " + retry_after, status=b"429 Too Many")


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a gate calls leave a moment apart."""
    monkeypatch.setattr(gates_module, "FIRST_APART_SECONDS", 0.002)
    monkeypatch.setattr(gates_module, "APART_OF_AN_OPEN_GATE", 0.0005)


def open_now(gate: Gate) -> None:
    """Lets the gate be open at this moment, though Slack asked for more time."""
    gate.shut_until = 0.0
    if gate._timer is not None:
        gate._timer.cancel()
        gate._timer = None
    gate._plan()


async def test_one_answer_of_429_stops_all_calls_of_its_method() -> None:
    """Of many calls behind one that was limited, none is sent before the gate opens; then each is sent once."""
    async with canned_server([limited(b"3600"), *[OK] * 21]) as server, a_client(server.url) as client:
        first = asyncio.create_task(post(client))
        await until(lambda: client.gates.shut == 1, what="the gate is shut")
        others = [asyncio.create_task(post(client)) for _ in range(20)]
        gate = client.gates.find(METHOD, "")
        assert gate is not None
        await until(lambda: len(gate._waiting) == 21, what="all wait")
        assert len(server.requests) == 1
        open_now(gate)
        assert all([(await one)["ok"] for one in (first, *others)])
        assert len(server.requests) == 22


async def test_other_methods_and_workspaces_go_on() -> None:
    """The gate is that of one method and one workspace."""
    async with canned_server([OK] * 2) as server, a_client(server.url) as client:
        client.gates.learn(METHOD, "T1", 3600)
        assert (await client.auth_test())["ok"]
        assert (await post(web_client.for_request(client, "T2", Calls())))["ok"]
        waiting = asyncio.create_task(post(web_client.for_request(client, "T1", Calls())))
        gate = client.gates.find(METHOD, "T1")
        assert gate is not None
        await until(lambda: len(gate._waiting) == 1, what="that of T1 waits")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(server.requests) == 2


async def test_a_call_is_sent_again_until_it_is_answered() -> None:
    """Several answers of 429 in a row fail no call."""
    async with canned_server([*[limited(b"0")] * 5, OK]) as server, a_client(server.url) as client:
        assert (await post(client))["ok"]
        assert len(server.requests) == 6


async def test_a_gate_that_nobody_needs_is_forgotten() -> None:
    """Calls that succeed open it step by step, and then no call asks for it."""
    async with canned_server([limited(b"0"), *[OK] * 60]) as server, a_client(server.url) as client:
        await post(client)
        assert client.gates.all
        for _ in range(60):
            if client.gates.all:
                await post(client)
        assert not client.gates.all


async def test_a_run_that_is_cut_short_sends_nothing_from_the_gate() -> None:
    """A call that waits is not under way: its run is cancelled at once, and nothing is sent."""
    async with canned_server([]) as server, a_client(server.url) as client:
        calls, cut = Calls(), []
        client.gates.learn(METHOD, "", 3600)
        waits: list[bool] = []
        calls.on_wait = waits.append
        waiting = asyncio.create_task(post(web_client.for_request(client, None, calls)))
        await until(lambda: waits == [True], what="it waits")
        calls.close(lambda: cut.append(waiting.cancel()))
        assert cut == [True]
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (waits, server.requests) == ([True, False], [])


def test_the_pace_becomes_slower_with_each_limit_and_faster_with_each_success() -> None:
    """A gate that is limited again doubles the time between calls, up to a bound; a pace that others learnt counts."""
    told: list[tuple[str, str, float, float]] = []
    gates = Gates(lambda: 100.0)
    gates.on_limit = lambda *what: told.append(what)
    gate = gates.limited(METHOD, "T1", 30)
    first = gate.apart_seconds
    gates.limited(METHOD, "T1", 30)
    assert gate.apart_seconds == 2 * first
    for _ in range(20):
        gates.limited(METHOD, "T1", 30)
    assert gate.apart_seconds == gates_module.LONGEST_APART_SECONDS
    assert told[0] == (METHOD, "T1", 30, first)
    gates.learn(METHOD, "T1", 60, 0.5)
    gate.passed()
    assert gate.apart_seconds == pytest.approx(0.45)
    assert gate.shut_until == 160.0
