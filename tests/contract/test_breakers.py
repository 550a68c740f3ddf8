"""Pods share which breakers are open, and one at a time has the probe, in one way in all databases."""

from __future__ import annotations

from functools import partial

from anchorbolt.inbox.breakers import Breakers, waits_for
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.parking import PARK_SECONDS

from tests.contract.steps import claim, hold


async def test_one_opens_one_probes_and_closing_wakes_all(inbox: Inbox) -> None:
    """Of two that open it, the first counts; a probe is taken once, when it is time; a closed one lets lanes go on."""
    breakers, do = Breakers(inbox.database.dialect), inbox.store.transact
    assert await do(lambda c: breakers.open(c, "app.on", "ConnectionError", 0))
    assert not await do(lambda c: breakers.open(c, "app.on", "TimeoutError", 60))
    (found,) = await do(breakers.read)
    assert (found.listener, found.reason) == ("app.on", "ConnectionError")
    assert await do(lambda c: breakers.take_probe(c, "app.on", "one", 60))
    assert not await do(lambda c: breakers.take_probe(c, "app.on", "two", 60))
    held = await hold(inbox)
    outcome = Outcome(held.lease, held.stored.id, End.HELD, "x", PARK_SECONDS, waits_for=waits_for("app.on"))
    await inbox.complete(outcome)
    assert await claim(inbox) == []
    assert await do(lambda c: breakers.close(c, "app.on"))
    assert not await do(lambda c: breakers.close(c, "app.on"))
    assert len(await claim(inbox)) == 1
    assert await do(breakers.read) == []


async def test_each_breaker_is_for_itself(inbox: Inbox) -> None:
    """A probe, its time and an end are those of one listener; another one's stay as they are."""
    breakers, do = Breakers(inbox.database.dialect), inbox.store.transact
    for listener, probe_in_seconds in (("app.one", 0), ("app.two", 0), ("app.three", 600)):
        await do(partial(breakers.open, listener=listener, reason="TimeoutError", probe_in_seconds=probe_in_seconds))
    assert await do(lambda c: breakers.take_probe(c, "app.one", "one", 60))
    assert not await do(lambda c: breakers.take_probe(c, "app.three", "one", 60)), "it is not time"
    found = {one.listener: one for one in await do(breakers.read)}
    assert 30 < found["app.one"].probe_in_seconds <= 60
    assert -30 < found["app.two"].probe_in_seconds <= 0
    assert 570 < found["app.three"].probe_in_seconds <= 600
    assert all(0 <= one.seconds < 30 for one in found.values())
    assert await do(lambda c: breakers.take_probe(c, "app.two", "two", 60))
    assert await do(lambda c: breakers.close(c, "app.two"))
    assert sorted(one.listener for one in await do(breakers.read)) == ["app.one", "app.three"]
