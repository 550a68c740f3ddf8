"""Pods share which breakers are open, and one at a time has the probe, in one way in all databases."""

from __future__ import annotations

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
