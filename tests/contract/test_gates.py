"""Pods share what Slack has limited, in one way in all databases."""

from __future__ import annotations

from anchorbolt.bolt.web_api.gate import Gates
from anchorbolt.inbox.gates import FORGET_SECONDS, SharedGate, SharedGates
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.tables import gate
from anchorbolt.worker.sharing_gates import SharingGates
from sqlalchemy import select


async def test_a_gate_that_one_process_shuts_is_shut_in_the_others(inbox: Inbox) -> None:
    """Method, workspace, time and pace are those that were written last; what has opened is not there any more."""
    shared, gates = SharedGates(inbox.database.dialect), Gates()
    sharing = SharingGates(inbox, gates)
    await inbox.store.transact(lambda c: shared.shut(c, SharedGate("chat.postMessage", "T1", 30, 1.0)))
    await inbox.store.transact(lambda c: shared.shut(c, SharedGate("chat.postMessage", "T1", 60, 2.0)))
    await inbox.store.transact(lambda c: shared.shut(c, SharedGate("users.info", "", -1, 1.0)))
    (found,) = await inbox.store.transact(shared.read)
    assert (found.method, found.workspace, found.apart_seconds) == ("chat.postMessage", "T1", 2.0)
    assert 50 < found.seconds <= 60
    await sharing.refresh()
    assert gates.shut == 1
    limited = gates.find("chat.postMessage", "T1")
    assert limited is not None
    assert (limited.is_shut, limited.apart_seconds) == (True, 2.0)


async def test_what_opened_long_ago_is_forgotten(inbox: Inbox) -> None:
    """Otherwise each method and workspace that Slack has ever limited would have its row."""
    shared = SharedGates(inbox.database.dialect)
    for method, seconds in (("users.info", -FORGET_SECONDS - 1), ("users.list", -1), ("chat.postMessage", 30)):
        found = SharedGate(method, "T1", seconds, 1.0)
        await inbox.store.transact(lambda c, found=found: shared.shut(c, found))
    left = await inbox.store.transact(lambda c: c.execute(select(gate.c.method)).scalars().all())
    assert sorted(left) == ["chat.postMessage", "users.list"]
