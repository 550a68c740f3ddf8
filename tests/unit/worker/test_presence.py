"""A process says what it is and in which state, for operators."""

from __future__ import annotations

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.pods import Pods
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.worker.presence import Presence
from anchorbolt.worker.slots import RunSlots


async def test_a_process_says_its_version_and_its_state() -> None:
    """It runs, then it drains; one that only stores has no slots."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=9)
    await inbox.open()

    async def said(slots: RunSlots) -> tuple[str, str, int]:
        await Presence(inbox, slots, "v7", 200).write()
        (pod,) = await inbox.store.transact(Pods("sqlite").read)
        return pod.version, pod.state, pod.slots

    slots = RunSlots(inbox, 200)
    assert await said(slots) == ("v7", "runs", 200)
    slots.shut()
    assert await said(slots) == ("v7", "draining", 200)
    assert await said(RunSlots(inbox, 200, takes=False)) == ("v7", "stores", 0)
    await inbox.close()
