"""The states of a pod, and what its probes make of them."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from anchorbolt.lifecycle import probes
from anchorbolt.lifecycle.pod import Pod, State

from tests.support.waiting import until


class Told:
    """A pod, and what it told the runner."""

    def __init__(self, delay_seconds: float) -> None:
        self.words: list[str] = []
        self.pod = Pod(delay_seconds, lambda: self.words.append("drain"), lambda: self.words.append("lapse"))

    async def probe(self, path: str, method: str = "GET") -> int:
        """The status that a path of the internal port answers."""
        transport = httpx.ASGITransport(probes.create(self.pod))
        async with httpx.AsyncClient(transport=transport, base_url="http://pod") as http:
            return (await http.request(method, path)).status_code


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.STARTING, {"/livez": 200, "/startupz": 503, "/readyz": 503}),
        (State.READY, {"/livez": 200, "/startupz": 200, "/readyz": 200}),
        (State.DRAINING, {"/livez": 200, "/startupz": 200, "/readyz": 503}),
        (State.CLOSED, {"/livez": 200, "/startupz": 200, "/readyz": 503}),
    ],
)
async def test_what_the_probes_say(state: State, expected: dict[str, int]) -> None:
    """Alive from the first moment to the last, started once the store was reached, ready only when ready."""
    told = Told(0)
    told.pod.become(state)
    assert {path: await told.probe(path) for path in expected} == expected


async def test_a_drain_returns_after_its_delay() -> None:
    """The hook's answer comes when the delay is over; the pod is not ready from the first moment on."""
    told = Told(0.1)
    told.pod.become(State.READY)
    asking = asyncio.create_task(told.pod.drain())
    await until(lambda: told.words, what="the drain has begun")
    assert told.pod.state is State.DRAINING
    assert not asking.done()
    await asking
    assert told.words == ["drain"]
    told.pod.become(State.CLOSED)


async def test_a_drain_lapses() -> None:
    """With no SIGTERM within twice the delay the pod is ready again, and takes lanes again."""
    told = Told(0.05)
    told.pod.become(State.READY)
    await told.pod.drain()
    assert told.pod.state.value == "draining"
    assert told.pod.drain_seconds > 0
    await until(lambda: told.words == ["drain", "lapse"], what="the drain has lapsed")
    assert told.pod.state is State.READY
    assert told.pod.drain_seconds == 0


async def test_asked_twice_it_lapses_once() -> None:
    """A second call joins the drain that is going on, and puts no lapse off."""
    told = Told(0.05)
    told.pod.become(State.READY)
    await asyncio.gather(told.pod.drain(), told.pod.drain())
    await until(lambda: told.pod.state is State.READY, what="the drain has lapsed")
    assert told.words == ["drain", "lapse"]


@pytest.mark.parametrize("order", [("drain", "end"), ("end", "drain")])
async def test_after_sigterm_no_drain_lapses(order: tuple[str, str]) -> None:
    """SIGTERM follows the hook, or comes before a late one: the pod never gets ready again, and takes no lane."""
    told = Told(0.02)
    told.pod.become(State.READY)
    for word in order:
        if word == "end":
            told.pod.end()
        else:
            await told.pod.drain()
    await asyncio.sleep(0.1)  # five delays: what would lapse has lapsed
    assert told.pod.state is State.DRAINING
    assert "lapse" not in told.words


async def test_a_drain_of_a_pod_that_starts_changes_nothing() -> None:
    """Before it is ready there is nothing to drain: the hook waits its time, and nothing lapses into readiness."""
    told = Told(0.01)
    await told.pod.drain()
    await asyncio.sleep(0.05)  # five delays
    assert told.pod.state is State.STARTING
    assert told.words == []


async def test_the_internal_port_has_nothing_else() -> None:
    """No other path: nobody can ask for a drain over the network, by whatever method."""
    told = Told(0)
    assert await told.probe("/") == 404
    assert await told.probe("/slack/events", "POST") == 404
    for method in ("GET", "HEAD", "POST"):
        assert await told.probe("/drain", method) == 404
