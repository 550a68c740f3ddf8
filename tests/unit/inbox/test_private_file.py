"""A SQLite inbox is for its user alone, keeps nothing of what was deleted, and notices when its file is taken away."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase

SECRET = b"xoxb-planted"
# A body in the row itself, and one in pages of its own.
SIZES = pytest.mark.parametrize("size", [200, 20_000])


@pytest.fixture
async def inbox(tmp_path: Path) -> AsyncIterator[Inbox]:
    """An open inbox in a file."""
    inbox = Inbox(SqliteDatabase(tmp_path / "inbox.db"), lease_seconds=30)
    await inbox.open()
    yield inbox
    await inbox.close()


def rights(folder: Path) -> dict[str, int]:
    """The rights of each file in it."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def found_in(folder: Path) -> list[str]:
    """The files that hold the secret."""
    return [path.name for path in folder.iterdir() if SECRET in path.read_bytes()]


async def store(inbox: Inbox, size: int, lane: str = "C1") -> Outcome:
    """Accepts a delivery with the secret in its body. How it would end."""
    body = SECRET.decode() * (size // len(SECRET))
    item = Item(f"A1:Ev-{lane}", lane, "event", "application/json", body, take=True)
    held = (await inbox.accept(item, inbox.store.clock() + 10)).held
    assert held is not None
    return Outcome(held.lease, held.stored.id, End.DONE, attempt=held.stored.attempts)


async def test_only_its_user_may_read_it(inbox: Inbox, tmp_path: Path) -> None:
    """The file, its log and its lock are 0600, whatever the umask is."""
    await store(inbox, 200)
    assert rights(tmp_path) == dict.fromkeys(("inbox.db", "inbox.db-wal", "inbox.db-shm", "inbox.db.lock"), 0o600)


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    """A file that an earlier version made loses the rights of others when it is opened."""
    before = os.umask(0o022)
    try:
        for name in ("inbox.db", "inbox.db.lock"):
            (tmp_path / name).touch(0o644)
    finally:
        os.umask(before)
    database = SqliteDatabase(tmp_path / "inbox.db")
    await database.open()
    await database.migrate()
    assert set(rights(tmp_path).values()) == {0o600}
    await database.close()


async def test_a_log_that_was_left_behind_is_closed_to_others(inbox: Inbox, tmp_path: Path) -> None:
    """What a killed process or a restored backup left beside the file holds bodies too."""
    await store(inbox, 200)
    left = tmp_path / "left"
    left.mkdir()
    names = ("inbox.db", "inbox.db-wal", "inbox.db-shm", "inbox.db.lock")
    for name in names:
        shutil.copyfile(tmp_path / name, left / name)
        (left / name).chmod(0o644)
    database = SqliteDatabase(left / "inbox.db")
    await database.open()
    assert rights(left) == dict.fromkeys(names, 0o600)
    await database.close()


async def test_the_folder_is_made(tmp_path: Path) -> None:
    """An inbox in folders that are not there yet makes them."""
    database = SqliteDatabase(tmp_path / "one" / "in" / "another" / "inbox.db")
    await database.open()
    assert (tmp_path / "one" / "in" / "another" / "inbox.db").exists()
    await database.close()


async def test_what_is_closed_leaves_only_its_file(inbox: Inbox, tmp_path: Path) -> None:
    """Closed, it has copied its log into the file and taken it away: a copy of the file is a copy of the inbox."""
    await store(inbox, 200)
    assert "inbox.db-wal" in rights(tmp_path)
    await inbox.close()
    assert set(rights(tmp_path)) == {"inbox.db", "inbox.db.lock"}


@SIZES
async def test_a_body_that_is_done_is_gone(inbox: Inbox, tmp_path: Path, size: int) -> None:
    """Once the log was emptied, neither the file, its free pages nor the log hold the body of what is done."""
    outcome = await store(inbox, size)
    assert found_in(tmp_path)
    await inbox.complete(outcome)
    await inbox.database.tidy()
    assert found_in(tmp_path) == []


@SIZES
async def test_a_discarded_body_is_gone(inbox: Inbox, tmp_path: Path, size: int) -> None:
    """The same for a dead letter that is discarded, and for the text of its error."""
    outcome = await store(inbox, size)
    outcome.end, outcome.error = End.DEAD, f"it said {SECRET.decode()}"
    await inbox.complete(outcome)
    await inbox.database.transact(lambda connection: Admin("sqlite").discard(connection, [outcome.id]))
    await inbox.database.tidy()
    assert found_in(tmp_path) == []


@pytest.mark.parametrize("how", ["deleted", "replaced"])
async def test_a_file_that_is_taken_away_is_noticed(inbox: Inbox, tmp_path: Path, how: str) -> None:
    """Nothing is acknowledged that is written to a file that nobody will find; once it is back, all goes on."""
    file, away = tmp_path / "inbox.db", tmp_path / "away"
    await store(inbox, 200, "C1")
    os.link(file, away)
    file.unlink()
    if how == "replaced":
        file.touch()
    with pytest.raises(StoreUnavailableError, match=f"{file} was renamed, deleted or replaced"):
        await inbox.probe()
    assert not inbox.up
    away.replace(file)
    await inbox.probe()
    assert inbox.up
    await store(inbox, 200, "C2")
