"""What SQLite cannot do is told in its words, with the file that it is about and what to do."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from anchorbolt.errors import StoreLockedError, StoreUnavailableError
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.sqlite.file import advice, identity, lock
from sqlalchemy import Connection, text


def pragma(said: str) -> Callable[[Connection], None]:
    """Sets something of the connection, outside of a transaction as far as SQLite is concerned."""
    return lambda connection: connection.execute(text(f"PRAGMA {said}")).close()


def fill(connection: Connection) -> None:
    """Writes a few megabytes."""
    connection.execute(text("CREATE TABLE filler (content BLOB)"))
    connection.execute(text("INSERT INTO filler VALUES (zeroblob(4000000))"))


def spoil(file: Path, keeps: int) -> None:
    """Overwrites it but for its beginning."""
    kept = file.read_bytes()[:keeps] if keeps else b""
    file.write_bytes(kept + b"\xff" * 4_000_000)


def make_folder(file: Path) -> None:
    """Makes a folder of its name."""
    file.mkdir()


async def said_of(database: SqliteDatabase, asked: Awaitable[object]) -> str:
    """What is told where this fails because of the file; the database is closed then."""
    try:
        with pytest.raises(StoreUnavailableError) as caught:
            await asked
    finally:
        await database.close()
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where an inbox may be."""
    return tmp_path / "inbox.db"


@pytest.fixture
async def database(file: Path) -> SqliteDatabase:
    """An inbox that serves from it."""
    database = SqliteDatabase(file)
    await database.open()
    await database.migrate()
    return database


async def test_a_file_that_is_none_of_sqlite(file: Path) -> None:
    """It is told as broken, with the backup as the way out, when it is opened."""
    spoil(file, keeps=0)
    again = SqliteDatabase(file)
    said = await said_of(again, again.open())
    assert said.startswith(f"file is not a database: {file} is broken; restore a backup or move it away")


async def test_a_file_with_broken_pages(file: Path, database: SqliteDatabase) -> None:
    """The same for a file of which all but the beginning was overwritten."""
    await database.close()
    spoil(file, keeps=4096)
    again = SqliteDatabase(file)
    said = await said_of(again, again.open())
    assert said.startswith(f"database disk image is malformed: {file} is broken; restore a backup")


async def test_a_file_that_breaks_while_it_serves(file: Path, database: SqliteDatabase) -> None:
    """The same for what is found broken later: the database counts as away, and nothing is taken for refused."""
    await database.transact(fill)
    await database.close()
    again = SqliteDatabase(file)
    await again.open()
    spoil(file, keeps=1_000_000)
    look = text("SELECT sum(length(hex(content))) FROM filler")
    said = await said_of(again, again.transact(lambda connection: connection.execute(look).close()))
    assert said.startswith(f"database disk image is malformed: {file} is broken; restore a backup")


async def test_a_file_that_others_go_on_writing(file: Path, database: SqliteDatabase) -> None:
    """Another process that holds it for longer than a moment is what to look for."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = await said_of(database, database.transact(lambda connection: None))
    other.close()
    assert said.startswith(f"database is locked: another process holds {file} open for writing")


async def test_a_file_that_may_not_be_written(file: Path, database: SqliteDatabase) -> None:
    """It is told as read-only."""
    await database.transact(pragma("query_only=ON"))
    said = await said_of(database, database.transact(fill))
    assert said.startswith(f"attempt to write a readonly database: {file} is read-only for this user")


async def test_a_folder_instead_of_a_file(file: Path) -> None:
    """What cannot be opened is told as read-only too: SQLite says no more of it."""
    make_folder(file)
    database = SqliteDatabase(file)
    said = await said_of(database, database.open())
    assert said.startswith(f"unable to open database file: {file} is read-only for this user, or its folder")


async def test_a_file_instead_of_a_folder(file: Path) -> None:
    """What the system says is told where the file cannot even be looked at."""
    spoil(file, keeps=0)
    database = SqliteDatabase(file / "inbox.db")
    said = await said_of(database, database.open())
    assert said == f"{file}/inbox.db cannot be opened: File exists"


async def test_a_full_disk(file: Path, database: SqliteDatabase) -> None:
    """It is told that space is missing, and where."""
    await database.transact(pragma("max_page_count=100"))
    said = await said_of(database, database.transact(fill))
    assert said == f"database or disk is full: the disk is full; free some space where {file} lies"


@pytest.mark.parametrize(("free", "is_told"), [(0, True), (1, False)])
def test_an_error_of_a_disk_that_is_full(monkeypatch: pytest.MonkeyPatch, file: Path, free: int, is_told: bool) -> None:
    """SQLite says `disk I/O error` of some full disks: whether it is full is asked of the disk."""
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_bavail=free if folder == file.parent else 7))
    said = advice(sqlite3.OperationalError("disk I/O error"), file)
    assert ("the disk is full" in said) is is_told


def test_what_nobody_foresaw() -> None:
    """Any other error is told as it is, with the file; also where the disk cannot be asked, and of memory."""
    nowhere = Path("/nowhere/at/all/inbox.db")
    assert advice(sqlite3.OperationalError("something else"), nowhere) == f"something else ({nowhere})"
    assert advice(sqlite3.OperationalError("something else"), None) == "something else (None)"


async def test_who_serves_from_the_file(file: Path, database: SqliteDatabase) -> None:
    """A second one is told the first one's process, whatever had been noted of earlier ones."""
    await database.close()
    lock_of = file.with_name("inbox.db.lock")
    lock_of.write_text("12345678901234567890")
    held = lock(file, "DATABASE_URL")
    with pytest.raises(StoreLockedError, match=f"^process {os.getpid()} serves from {re.escape(str(file))}: "):
        lock(file, "DATABASE_URL")
    lock_of.write_text("\n")
    with pytest.raises(StoreLockedError, match=r"^process unknown serves from "):
        lock(file, "DATABASE_URL")
    held.close()
    lock(file, "DATABASE_URL").close()


def test_a_file_is_told_from_another(tmp_path: Path) -> None:
    """Two files differ, one is itself under another name, and none is none."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.touch()
    other.touch()
    before = identity(one)
    assert before is not None
    assert before != identity(other)
    one.rename(tmp_path / "renamed")
    assert identity(tmp_path / "renamed") == before
    assert identity(one) is None
