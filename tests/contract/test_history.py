"""What the inbox keeps of attempts, and what operators find by it, in one way in all databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anchorbolt.inbox.admin import Admin, Filter
from anchorbolt.inbox.complete import MOST_HISTORY
from anchorbolt.inbox.history import Past, line, read
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.overview import look
from anchorbolt.inbox.pods import FORGET_SECONDS, GONE_SECONDS, Pods
from anchorbolt.inbox.tables import delivery, pod
from sqlalchemy import update

from tests.contract.steps import accept, claim, hold, item

PAST = Past(1, "app.on", "pod-1", 1_700_000_000.0, 1.5, "retry", "transient", "TimeoutError: x", "Traceback ...")


async def end(inbox: Inbox, held: Held, how: End, record: str | None = None) -> None:
    """Ends a run of the listener app.on, with a line for its history."""
    outcome = Outcome(held.lease, held.stored.id, how, "x", listener="app.on", record=record)
    assert (await inbox.complete(outcome)).written


async def find(inbox: Inbox, key: str) -> Any:
    """A delivery as an operator finds it."""
    return await inbox.database.transact(lambda c: Admin(inbox.database.dialect).find(c, key))


async def test_each_attempt_adds_a_line_and_done_erases_them(inbox: Inbox) -> None:
    """A dead letter has its attempts, in their order, and a replay keeps them; what is done has nothing left."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await end(inbox, held, End.RETRY, line(PAST))
    (held,) = await claim(inbox)
    await end(inbox, held, End.DEAD, line(PAST))
    entry = await find(inbox, "A1:Ev1")
    assert (entry.listener, entry.attempts_before) == ("app.on", [PAST, PAST])
    await inbox.database.transact(lambda c: Admin(inbox.database.dialect).replay(c, [entry.id]))
    assert (await find(inbox, "A1:Ev1")).attempts_before == [PAST, PAST]
    (held,) = await claim(inbox)
    await end(inbox, held, End.DONE)
    assert (await find(inbox, "A1:Ev1")).attempts_before == []


async def test_a_long_history_begins_anew(inbox: Inbox) -> None:
    """Hand-backs have no bound, so the text of their lines has one."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await end(inbox, held, End.RETRY, line(PAST) + " " * MOST_HISTORY + "\n")
    (held,) = await claim(inbox)
    await end(inbox, held, End.DEAD, line(PAST))
    assert len((await find(inbox, "A1:Ev1")).attempts_before) == 1


def test_what_another_version_wrote_is_left_out() -> None:
    """A line that cannot be read hides none of the others."""
    assert read(line(PAST) + "no json\n[1]\n" + line(PAST)) == [PAST, PAST]
    odd = replace(PAST, error="line\u2028and\u0085next")
    assert read(line(odd) * 2) == [odd, odd], "what breaks lines elsewhere breaks none here"
    assert read(None) == []


async def test_operators_find_by_listener_conversation_and_workspace(inbox: Inbox) -> None:
    """Each filter leaves what is of it; the newest come first where that is asked; the count is that of all."""
    for n in range(3):
        of = item(f"C{n}", f"A1:Ev{n}")
        of.workspace, of.conversation = "T1", f"C{n}"
        (accepted,) = await accept(inbox, of)
        assert accepted.held is not None
        await end(inbox, accepted.held, End.DEAD)
    admin = Admin(inbox.database.dialect)

    async def found(**wanted: Any) -> list[str]:
        entries = await inbox.database.transact(lambda c: admin.entries(c, Filter("dead", **wanted)))
        return [entry.key for entry in entries]

    assert await found(conversation="C1") == ["A1:Ev1"]
    assert await found(workspace="T1", newest_first=True) == ["A1:Ev2", "A1:Ev1", "A1:Ev0"]
    assert await found(listener="app.on", most=2) == ["A1:Ev0", "A1:Ev1"]
    assert await found(listener="app.other") == []
    assert await found(since_seconds=60) == ["A1:Ev0", "A1:Ev1", "A1:Ev2"]
    assert await found(since_seconds=-1) == []
    await hold(inbox, "C-runs", "A1:Ev-runs")
    assert await inbox.database.transact(lambda c: admin.count(c, Filter("dead", most=1))) == 3


async def test_the_overview_counts(inbox: Inbox) -> None:
    """Runs by process, what ended in the last minute, and what waits by listener."""
    await hold(inbox, "C1")
    await end(inbox, await hold(inbox, "C2"), End.DONE)
    await end(inbox, await hold(inbox, "C3"), End.RETRY)
    found = await inbox.database.transact(look)
    assert found.running == {inbox.owner: 1}
    assert found.ended == {"done": 1, "dead": 0, "cancelled": 0}
    assert found.waiting == {"app.on": 1}
    assert found.accepted_per_second == 3 / 60
    assert found.pods == []


async def test_the_slowest_is_what_runs_longest(inbox: Inbox) -> None:
    """An attempt that began a moment ago is not slow, however old its delivery is."""
    old, new = await hold(inbox, "C1", "A1:old"), await hold(inbox, "C2", "A1:new")
    await inbox.store.transact(lambda c: c.execute(update(delivery).values(received_at=1000 + delivery.c.id)) and None)
    await inbox.store.transact(
        lambda c: c.execute(update(delivery).where(delivery.c.id == old.stored.id).values(started_at=2000)) and None
    )
    found = await inbox.database.transact(
        lambda c: Admin(inbox.database.dialect).entries(c, Filter("running", slowest_first=True))
    )
    assert [entry.id for entry in found] == [new.stored.id, old.stored.id]


async def test_processes_say_that_they_live(inbox: Inbox) -> None:
    """A process is listed as it last said; one that says nothing any more is gone, and is forgotten later."""
    pods = Pods(inbox.database.dialect)

    async def write(name: str, state: str = "runs") -> None:
        await inbox.store.transact(lambda c: pods.write(c, name, "v1", state, 200))

    async def ago(seconds: float) -> None:
        await inbox.store.transact(lambda c: c.execute(update(pod).values(seen_at=pod.c.seen_at - seconds)) and None)

    async def read() -> list[tuple[str, str, str, int]]:
        found = await inbox.store.transact(pods.read)
        return [(one.name, one.version, one.state, one.slots) for one in found]

    await write("a")
    await write("b")
    await write("a", "draining")
    assert await read() == [("a", "v1", "draining", 200), ("b", "v1", "runs", 200)]
    await ago(GONE_SECONDS)
    await write("b")
    assert await read() == [("a", "v1", "gone", 200), ("b", "v1", "runs", 200)]
    await ago(FORGET_SECONDS)
    await write("b")
    assert await read() == [("b", "v1", "runs", 200)]


async def test_a_listener_that_was_found_stays_known(inbox: Inbox) -> None:
    """An attempt that ends before its listener is found leaves what an earlier one knew; another one's is taken."""
    held = await hold(inbox)
    known = []
    for listener in ("app.one", None, "app.two"):
        outcome = Outcome(held.lease, held.stored.id, End.RETRY, "it failed", attempt=held.stored.attempts)
        await inbox.complete(replace(outcome, listener=listener))
        (held,) = await claim(inbox)
        known.append(held.stored.listener)
    assert known == ["app.one", "app.one", "app.two"]
