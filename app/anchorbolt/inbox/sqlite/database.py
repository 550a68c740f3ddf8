"""SQLite: one process, one connection, one transaction at a time.

Statements run on the event loop, because they take microseconds and a thread would wait for the interpreter's lock
between any two of them; only the commit, which waits for the disk, runs in a thread (docs/decisions/0003).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from anchorbolt.errors import NoInboxError, StoreUnavailableError
from anchorbolt.inbox import schema
from anchorbolt.inbox.database import Database, Wake
from anchorbolt.inbox.sql import SQLITE
from anchorbolt.inbox.sqlite.accept import SqliteAccept
from anchorbolt.inbox.sqlite.complete import SqliteComplete
from anchorbolt.inbox.sqlite.connection import connect, connect_to_read, driver_of, undo
from anchorbolt.inbox.sqlite.file import advice, gone, identity, lock, make_private
from anchorbolt.inbox.statement import Statement

Result = TypeVar("Result")

# How long a transaction waits for a short one of another program, such as an operator's command, before the database
# counts as away; and how often it looks meanwhile. It waits beside the event loop, not on it.
WAIT_SECONDS = 0.1
LOOK_SECONDS = 0.005


class _Asked(Generic[Result]):
    """Work that waits for its transaction, and what came of it."""

    def __init__(self, work: Callable[[Connection], Result]) -> None:
        self.work = work
        self.result: Result
        self.error: Exception | None = None
        self.done = False

    def end(self, error: Exception | None = None) -> None:
        """Called once its transaction is on the disk, or has failed."""
        self.error = error
        self.done = True


async def _begin_to_write(driver: sqlite3.Connection) -> None:
    """Begins a transaction. Raises sqlite3.OperationalError where another program goes on writing."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        else:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _all_done(together: list[_Asked[Any]]) -> None:
    for asked in together:
        asked.end()


class SqliteDatabase(Database):
    """A SQLite file, or memory when there is no path."""

    dialect = SQLITE
    joins = True
    shared = False
    complete = SqliteComplete

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Callable[[], float] = time.time,
        serves: bool = True,
        makes: bool = True,
        busy_seconds: float = 0,
    ) -> None:
        """`serves`: locks the file for this process. `makes`: the file, where there is none.

        `busy_seconds`: how long a statement waits for another writer.
        """
        self.accept = partial(SqliteAccept, clock=clock)
        self.durable = path is not None
        self._path = path
        self._clock = clock
        self._serves = serves
        self._makes = makes
        self._busy_seconds = busy_seconds
        self._writing = asyncio.Lock()
        self._asked: list[_Asked[Any]] = []  # what waits for the next transaction
        self._disk = ThreadPoolExecutor(1, "sqlite-commit")
        self._connection: Connection | None = None
        self._reads: sqlite3.Connection | None = None  # of a file: another connection, for what is read meanwhile
        self._lock: IO[str] | None = None
        self._identity: tuple[int, int] | None = None  # of the file that was opened

    async def open(self, on_wake: Callable[[Wake], None] = lambda wake: None) -> None:
        """Locks the file and opens it; called again until it succeeds, so what was reached before is kept."""
        if self._path is not None:
            if not self._makes and not self._path.exists():
                raise NoInboxError(
                    f"no inbox at {self._path} yet: `anchorbolt serve` makes it; if there was one, look whether"
                    f" {self.setting} names the right file"
                )
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                if self._serves and self._lock is None:
                    self._lock = lock(self._path, self.setting)
                if self._connection is None:
                    make_private(self._path)
                    self._identity = identity(self._path)
            except OSError as error:
                raise StoreUnavailableError(f"{self._path} cannot be opened: {error.strerror}") from error
        if self._connection is None:
            try:
                self._connection = connect(self._path, self._clock, self._busy_seconds)
            except DBAPIError as error:
                raise StoreUnavailableError(advice(error.orig, self._path)) from error
        if self._serves:  # it can write; a command finds that out with what it does
            await self.transact(lambda connection: None)

    async def close(self) -> None:
        """Closes the file and lets go of its lock."""
        async with self._writing:
            if self._reads is not None:
                self._reads.close()
                self._reads = None
            if self._connection is not None:
                self._connection.close()
                self._connection.engine.dispose()
                self._connection = None
            if self._lock is not None:
                self._lock.close()
                self._lock = None
            self._disk.shutdown()

    async def transact(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """Runs the work in one transaction with everything else that waits for the disk at this moment."""
        asked = _Asked(work)
        self._asked.append(asked)
        try:
            async with self._writing:
                if not asked.done:
                    await asyncio.sleep(0)  # what the last transaction set free may ask for this one
                    await self._write_all()
        except asyncio.CancelledError:
            if asked in self._asked:
                self._asked.remove(asked)
            raise
        if asked.error is not None:
            raise asked.error
        return asked.result

    async def read(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """As in the base class: without the lock of a writer, so that an operator's list holds up no event."""
        asked = _Asked(work)
        async with self._writing:
            await self._transaction([asked], only_reads=True)
        return asked.result

    def look(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]] | None:
        """As in the base class: a row of a file takes microseconds, and no thread."""
        connection = self._connection
        if connection is None:
            return None
        try:
            reads = driver_of(connection) if self._path is None else self._reads or self._open_to_read(self._path)
            if reads is None:
                return None
            text, values = statement.bind(parameters)
            return reads.execute(text, values).fetchall()
        except sqlite3.Error:
            return None

    def _open_to_read(self, path: Path) -> sqlite3.Connection | None:
        """Opens the file once more; None where another file is there by now, which the next write tells of."""
        reads = connect_to_read(path)
        if identity(path) != self._identity:
            reads.close()
            return None
        self._reads = reads
        return reads

    async def _write_all(self) -> None:
        together, self._asked = self._asked, []
        try:
            await self._write(together)
        finally:  # cancelled between two of them: the others are for who waits next
            self._asked[:0] = [asked for asked in together if not asked.done]

    async def _write(self, together: list[_Asked[Any]]) -> None:
        """Runs them in one transaction. If one of them fails, all are undone, and each is done in one of its own."""
        try:
            await self._transaction(together)
        except Exception as error:
            if len(together) == 1 or isinstance(error, StoreUnavailableError):
                for asked in together:
                    asked.end(error)
                return
            for asked in together:
                await self._write([asked])

    async def _transaction(self, together: list[_Asked[Any]], *, only_reads: bool = False) -> None:
        """One transaction. Returns when it is on the disk.

        `only_reads`: it writes nothing, and so does without the lock that there is for one writer.
        """
        connection = self._connection
        if connection is None:
            raise StoreUnavailableError("the database is closed")
        if self._path is not None and identity(self._path) != self._identity:
            raise StoreUnavailableError(gone(self._path))
        driver = driver_of(connection)
        try:
            if only_reads:
                driver.execute("BEGIN")
            else:
                await _begin_to_write(driver)
            for asked in together:
                asked.result = asked.work(connection)
            await self._commit(connection.commit if connection.in_transaction() else driver.commit, together)
        except (DBAPIError, sqlite3.Error) as error:
            said = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(said, sqlite3.OperationalError) or type(said) is sqlite3.DatabaseError:
                raise StoreUnavailableError(advice(said, self._path)) from error
            raise
        finally:
            if driver.in_transaction or connection.get_transaction() is not None:
                undo(connection, driver)

    async def _commit(self, commit: Callable[[], None], together: list[_Asked[Any]]) -> None:
        if not self.durable:
            commit()
        else:
            # Not run_in_executor(): the futures that it makes cost more than the thread.
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            committing = self._disk.submit(commit)
            committing.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
            cancelled: asyncio.CancelledError | None = None
            while not ended.is_set():
                try:
                    await ended.wait()
                except asyncio.CancelledError as error:  # the next transaction must not begin inside this one
                    cancelled = error
            if cancelled is not None:
                if committing.exception() is None:
                    _all_done(together)
                raise cancelled
            committing.result()
        _all_done(together)

    async def tidy(self) -> None:
        """Copies the write-ahead log into the file and empties it, so that what was deleted is not left in it."""
        async with self._writing:
            if self._connection is None or not self.durable:
                return
            driver = driver_of(self._connection)
            # It waits for nobody: where another program reads, the next call does it.
            checkpoint = partial(driver.execute, "PRAGMA wal_checkpoint(TRUNCATE)")
            with contextlib.suppress(sqlite3.Error):
                await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._disk, checkpoint))

    async def migrate(self) -> None:
        """Makes the schema, or brings it up to date."""
        await self.transact(schema.upgrade if self.durable else schema.create)
