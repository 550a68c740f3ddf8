"""What goes into one write, and when it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from anchorbolt.errors import StoreError, StoreRefusedError, StoreUnavailableError, StoreUnknownError
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.group import MOST_WEIGHT, Group
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.telemetry import metrics

from tests.support.waiting import until

MIB = 1024 * 1024


async def test_one_alone_does_not_wait() -> None:
    """The first item is written at once; those that come soon after it share the next write."""
    written: list[Sequence[str]] = []

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        written.append(items)
        return items

    group: Group[str, str] = Group(write, apart_seconds=0.05, clock=lambda: 100.01)
    group.start()
    # 1. Nothing was written yet.
    assert await group.submit("first") == "first"
    assert written == [["first"]]
    # 2. The next write keeps its distance, so that the third item is in time for it.
    second = group.submit("second")
    for _ in range(5):
        await asyncio.sleep(0)
    third = group.submit("third")
    assert [await second, await third] == ["second", "third"]
    assert written == [["first"], ["second", "third"]]
    await group.stop()


async def test_a_group_is_only_so_heavy() -> None:
    """What would make a write too large waits for the next one; what is too large by itself is written alone."""
    written: list[Sequence[int]] = []

    async def write(items: Sequence[int], *, in_doubt: bool) -> Sequence[int]:
        written.append(items)
        return items

    half, too_large = MOST_WEIGHT // 2, 2 * MOST_WEIGHT
    group: Group[int, int] = Group(write, weight=lambda item: item)
    group.start()
    await asyncio.gather(*(group.submit(item) for item in (half, half, 1, too_large, half)))
    await group.stop()
    assert written == [[half, half], [1], [too_large], [half]]


async def test_what_follows_a_write_is_told_also_where_nobody_waits_for_it() -> None:
    """1. Who waits gives up before the write; 2. what follows gets the answer, and that nobody waits."""
    told: list[tuple[str | None, bool]] = []
    gate = asyncio.Event()

    def tell(answer: str | None, is_left: bool) -> None:
        told.append((answer, is_left))

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        await gate.wait()
        if "bad" in items:
            raise StoreRefusedError("no")
        return items

    group: Group[str, str] = Group(write)
    group.start()
    given_up = group.submit("good", then=tell)
    refused = group.submit("bad", then=tell)
    given_up.cancel()
    gate.set()
    with pytest.raises(StoreRefusedError):
        await refused
    await group.stop()
    assert told == [("good", True), (None, False)]


async def test_what_follows_a_write_does_not_end_the_writing_when_it_fails() -> None:
    """The answers of others come, and what is written later is written."""

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        return items

    def fail(_: str | None, __: bool) -> None:
        raise RuntimeError("a defect")

    group: Group[str, str] = Group(write)
    group.start()
    first, second = group.submit("first", then=fail), group.submit("second")
    assert [await first, await second] == ["first", "second"]
    assert await asyncio.wait_for(group.submit("third"), 10) == "third"
    await group.stop()


async def test_what_waits_for_its_write_can_be_taken_back() -> None:
    """Until its write begins: then it is not written, and nothing is told of it. What is being written stays."""
    go, written, told = asyncio.Event(), list[str](), list[str]()

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        await go.wait()
        written.extend(items)
        return items

    group: Group[str, str] = Group(write)
    group.start()
    first = group.submit("first", then=lambda answer, _: told.append(str(answer)))
    await asyncio.sleep(0)
    second, third = (group.submit(one, then=lambda answer, _: told.append(str(answer))) for one in ("second", "third"))
    # 1. Its write has begun.
    assert not group.withdraw(first)
    # 2. It waits for the next one.
    assert group.withdraw(second)
    assert second.cancelled()
    assert not group.withdraw(second)
    # 3. The others are written.
    go.set()
    assert [await first, await third] == ["first", "third"]
    assert (written, told) == (["first", "third"], ["first", "third"])
    # 4. Its write is over.
    assert not group.withdraw(third)
    await group.stop()


async def test_what_may_have_been_written_is_not_taken_back() -> None:
    """A commit whose outcome is unknown is settled, also for an item that is not needed any more."""
    outcomes: list[StoreError | None] = [StoreUnknownError("cut"), None]

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        if (error := outcomes.pop(0)) is not None:
            raise error
        return items

    group: Group[str, str] = Group(write)
    group.start()
    asked = group.submit("asked")
    await until(lambda: len(outcomes) == 1, what="the first write has failed")
    await asyncio.sleep(0)
    assert not group.withdraw(asked)
    assert await asked == "asked"
    await group.stop()


async def test_a_group_whose_only_item_was_taken_back_is_idle() -> None:
    """Nobody waits for a write that does not come, and the next item is written."""
    written: list[Sequence[str]] = []

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        written.append(items)
        return items

    group: Group[str, str] = Group(write)
    group.start()
    assert group.withdraw(group.submit("first"))
    await group.flush()
    assert await group.submit("second") == "second"
    assert written == [["second"]]
    await group.stop()


async def test_what_waits_for_its_write_fails_at_the_end() -> None:
    """The end does not wait for the distance between two writes, and tells who waits."""

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        return items

    group: Group[str, str] = Group(write, apart_seconds=60, clock=lambda: 100.01)
    group.start()
    await group.submit("first")
    waiting = group.submit("second")
    await asyncio.sleep(0)
    await asyncio.wait_for(group.stop(), 5)
    assert "closed" in str(waiting.exception())


async def test_what_is_under_way_fails_at_the_end() -> None:
    """A write that is cut short by the end of the process may have happened or not: who waits for it is told all the
    same, with all who wait behind it."""
    began = asyncio.Event()

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        began.set()
        await asyncio.Event().wait()
        return items

    group: Group[str, str] = Group(write)
    group.start()
    under_way = [group.submit("first"), group.submit("second")]
    await began.wait()
    behind = group.submit("third")
    await group.stop()
    await group.flush()
    for future in (*under_way, behind):
        with pytest.raises(StoreUnavailableError, match="the inbox is closed"):
            await future


async def test_a_flush_waits_for_all_that_was_submitted() -> None:
    """Also for what was submitted while a write was under way; where nothing waits it is over at once."""
    written: list[str] = []

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        await asyncio.sleep(0)
        if "first" in items:
            group.submit("second")
        written.extend(items)
        return items

    group: Group[str, str] = Group(write)
    group.start()
    await group.flush()
    group.submit("first")
    await group.flush()
    assert written == ["first", "second"]
    await group.stop()


async def test_a_defect_of_one_item_is_its_own() -> None:
    """An error that nobody expected fails the item that it is about; its neighbours and those after it are written."""

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        if "bad" in items:
            raise KeyError("bad")
        return items

    group: Group[str, str] = Group(write)
    group.start()
    answers = await asyncio.gather(*(group.submit(item) for item in ("a", "bad", "b")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, KeyError, str]
    assert await group.submit("c") == "c"
    await group.stop()


async def test_a_deadline_that_passes_in_a_write_ends_with_it() -> None:
    """Who waits for a database that is away is told when the write has failed, and not after the pause behind it."""
    now = [100.0]

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        now[0] += 1
        raise StoreUnavailableError("the database is away")

    group: Group[str, str] = Group(write, clock=lambda: now[0])
    group.start()
    late = group.submit("late", deadline=100.5)
    for _ in range(5):  # turns of the event loop, in which no time passes
        await asyncio.sleep(0)
    assert isinstance(late.exception(), StoreUnavailableError)
    await group.stop()


async def test_nothing_is_written_beside_what_is_in_doubt() -> None:
    """Of a refused group the first half is in doubt: it is written again, and told to be, before the second is."""
    written: list[tuple[str, bool]] = []

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        written.append(("".join(items), in_doubt))
        match len(written):
            case 1:
                raise StoreRefusedError("too much")
            case 2:
                raise StoreUnknownError("no answer")
        return items

    group: Group[str, str] = Group(write)
    group.start()
    await asyncio.gather(*(group.submit(item) for item in "abcd"))
    assert written == [("abcd", False), ("ab", False), ("ab", True), ("cd", False)]
    await group.stop()


async def test_a_group_has_no_more_than_four_mebibytes() -> None:
    """What is heavy goes into several writes, in its order; an item that is too heavy by itself is written alone."""
    written: list[Sequence[int]] = []

    async def write(items: Sequence[int], *, in_doubt: bool) -> Sequence[int]:
        written.append(items)
        return items

    group: Group[int, int] = Group(write, weight=lambda item: item)
    futures = [group.submit(item) for item in (MIB, MIB, MIB, MIB, 1, 3 * MIB, 9 * MIB, 2, 3)]
    group.start()
    await asyncio.gather(*futures)
    assert written == [[MIB] * 4, [1, 3 * MIB], [9 * MIB], [2, 3]]
    await group.stop()


async def test_deliveries_weigh_what_their_bodies_do() -> None:
    """Ten deliveries of a mebibyte each that arrive in one moment are stored four at a time."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=30)
    await inbox.open()
    before = metrics.group_size.value("accept").count
    items = [Item(f"A1:Ev{n}", f"lane {n}", "event", "application/json", "x" * MIB) for n in range(10)]
    accepted = await asyncio.gather(*(inbox.accept(item, 1e12) for item in items))
    assert all(one.new for one in accepted)
    assert metrics.group_size.value("accept").count - before == 3
    await inbox.close()


async def test_a_group_has_no_more_than_256_items() -> None:
    """What arrives in one moment becomes statements that a database has prepared before, and holds locks for."""
    written: list[int] = []

    async def write(items: Sequence[int], *, in_doubt: bool) -> Sequence[int]:
        written.append(len(items))
        return items

    group: Group[int, int] = Group(write)
    futures = [group.submit(item) for item in range(600)]
    group.start()
    assert await asyncio.gather(*futures) == list(range(600))
    assert written == [256, 256, 88]
    await group.stop()


async def test_what_is_not_written_by_its_deadline_fails() -> None:
    """While the database is away an item is tried until its deadline and then never; one in doubt is always tried."""
    now, written = [100.0], list[str]()
    error: list[StoreError] = [StoreUnknownError("no answer")]

    async def write(items: Sequence[str], *, in_doubt: bool) -> Sequence[str]:
        if error:
            now[0] += 1
            raise error[0]
        written.extend(items)
        return items

    group: Group[str, str] = Group(write, clock=lambda: now[0])
    group.start()
    # 1. The commit of this one may have happened.
    in_doubt = group.submit("in doubt", deadline=101.5)
    await until(lambda: now[0] >= 103, what="it was tried after its deadline")
    assert not in_doubt.done()
    # 2. These two are certainly not stored.
    late, patient = group.submit("late", deadline=now[0] + 1), group.submit("patient", deadline=1e12)
    error[0] = StoreUnavailableError("the database is away")
    with pytest.raises(StoreUnavailableError, match="deadline"):
        await asyncio.wait_for(late, 30)
    error.clear()
    assert [await in_doubt, await patient] == ["in doubt", "patient"]
    assert written == ["in doubt", "patient"]
    await group.stop()
