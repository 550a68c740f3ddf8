"""PostgreSQL: any number of processes share the inbox; its clock is the only one that counts.

A transaction is one greenlet, in which SQLAlchemy's ordinary engine waits for asyncpg: its AsyncEngine would make one
of each call, and brings the whole ORM into the process (docs/decisions/0003).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only, greenlet_spawn

from anchorbolt.errors import PoolerError, StoreUnavailableError, StoreUnknownError
from anchorbolt.inbox import schema
from anchorbolt.inbox.accept import Accept
from anchorbolt.inbox.complete import Complete
from anchorbolt.inbox.database import Database, Wake
from anchorbolt.inbox.postgresql import pooler
from anchorbolt.inbox.postgresql.accept import PostgresqlAccept
from anchorbolt.inbox.postgresql.address import Address, read
from anchorbolt.inbox.postgresql.complete import PostgresqlComplete
from anchorbolt.inbox.postgresql.errors import BROKEN, TRANSIENT, advice, code_of, is_answer, is_stale, is_standby
from anchorbolt.inbox.postgresql.pooler import REFUSES_SETTINGS, is_behind_pooler
from anchorbolt.inbox.postgresql.wakeup import Wakeup
from anchorbolt.inbox.sql import POSTGRESQL
from anchorbolt.inbox.statement import Statement
from anchorbolt.timers import Timeout

Result = TypeVar("Result")

# A connection that says nothing for so long is half open: it and its like are given up. Where new ones say nothing
# either, the database may be slow: each try waits twice as long, or none would ever get through.
SILENT_SECONDS = 3.0
PATIENT_SECONDS = 12.0
# So much of that time may go by until one of several hosts has taken us.
FOR_HOSTS = 0.8
# A pod that stands still inside a transaction holds its locks no longer than this; whoever waits for one asks again
# sooner, so that an event behind it is stored before its deadline.
LIMITS = {"idle_in_transaction_session_timeout": "2s", "lock_timeout": "1s", "jit": "off"}
SET_LIMITS = text("SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in LIMITS))
TRIES = 5
# In the notes of a connection: the server has sent a warning since the commit began.
WARNED = "warned"


@dataclass(slots=True)
class _Progress:
    """How far a transaction came. `committing`: what was sent may be committed."""

    connection: Connection | None = None
    committing: bool = False


class PostgresqlDatabase(Database):
    """A PostgreSQL, directly or through a pooler in transaction mode."""

    dialect = POSTGRESQL
    joins = False
    shared = True
    durable = True

    def __init__(
        self,
        url: URL | Address,
        *,
        listen_url: URL | Address | None = None,
        pooled: bool = False,
        connections: int = 5,
        name: str = "anchorbolt",
    ) -> None:
        """`url`: where the database is. `listen_url`: where LISTEN works; None: the poll alone.

        `pooled`: behind `url` stands a pooler, which keeps neither prepared statements nor settings for us.
        """
        arguments: dict[str, Any] = {"async_creator_fn": self._connect}
        if pooled:
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
            arguments["prepared_statement_name_func"] = lambda: ""
        else:
            arguments["server_settings"] = {"application_name": name, **LIMITS}
        self._address = read(url) if isinstance(url, URL) else url
        self._pooled = pooled
        # Behind a pooler, a statement alone could have neither a plan that is kept nor its limits.
        self.accept = Accept if pooled else PostgresqlAccept
        self.complete = Complete if pooled else PostgresqlComplete
        self._distrusted_at = 0.0
        self._patience_seconds = SILENT_SECONDS
        self._listens_at = read(listen_url) if isinstance(listen_url, URL) else listen_url
        self._wakeup: Wakeup | None = None
        self._engine = create_engine(
            "postgresql+asyncpg://",  # its connections are made by _connect
            pool_size=connections,
            max_overflow=0,
            pool_timeout=PATIENT_SECONDS,
            connect_args=arguments,
        )
        event.listen(self._engine.pool, "connect", self._connected)
        event.listen(self._engine.pool, "checkout", self._checked_out)

    async def open(self, on_wake: Callable[[Wake], None] = lambda wake: None) -> None:
        """Connects once, and listens. Raises PoolerError where a pooler answers that no setting tells of."""
        try:
            behind_pooler = await self.transact(lambda connection: not self._pooled and is_behind_pooler(connection))
        except StoreUnavailableError as error:
            if REFUSES_SETTINGS not in str(error):
                raise
            behind_pooler = True
        if behind_pooler:
            raise PoolerError(pooler.advice(self.setting))
        if self._listens_at is not None and self._wakeup is None:
            self._wakeup = Wakeup(self._listens_at, on_wake)
            self._wakeup.start()

    def wake_others(self, wake: Wake) -> None:
        """Notifies the other processes, by NOTIFY, unless wake-ups are switched off."""
        if self._wakeup is not None:
            self._wakeup.wake_others(wake)

    async def close(self) -> None:
        """Stops listening for wake-ups, and closes all connections to the database."""
        if self._wakeup is not None:
            await self._wakeup.stop()
        await greenlet_spawn(self._engine.dispose)

    async def transact(self, work: Callable[[Connection], Result], timeout_seconds: float = 0) -> Result:
        """One transaction; once more where PostgreSQL asks for that. A connection that falls silent is given up."""
        for _ in range(TRIES):
            try:
                return await self._whole(partial(self._transaction, work), timeout_seconds)
            except DBAPIError as error:
                if code_of(error) not in TRANSIENT:
                    raise
                said = str(error.orig)
        raise StoreUnavailableError(f"PostgreSQL let nobody through {TRIES} times: {said}; pg_locks shows who waits")

    async def execute(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]] | None:
        """Without BEGIN and COMMIT: to PostgreSQL, a statement that is sent alone is a transaction."""
        return await self._whole(partial(self._alone, statement, parameters))

    async def _whole(self, work: Callable[[_Progress], Result], timeout_seconds: float = 0) -> Result:
        # Shielded: a caller that is cancelled must not leave a commit half sent.
        return await asyncio.shield(asyncio.ensure_future(self._once(work, timeout_seconds)))

    async def _once(self, work: Callable[[_Progress], Result], timeout_seconds: float) -> Result:
        progress = _Progress()
        try:
            with Timeout(after=max(timeout_seconds, self._patience_seconds)):
                result: Result = await greenlet_spawn(work, progress)
                self._patience_seconds = SILENT_SECONDS
                return result
        except BaseException as error:
            if isinstance(error, TimeoutError) or is_stale(error) or is_standby(error) or _is_lost(progress.connection):
                self._distrusted_at = time.monotonic()
            if isinstance(error, TimeoutError):
                self._patience_seconds = min(2 * self._patience_seconds, PATIENT_SECONDS)
            if progress.connection is not None:
                await _discard(progress.connection, error)
            if is_answer(error):
                raise
            if isinstance(error, BROKEN):
                said = str(getattr(error, "orig", error)) or type(error).__name__
                if progress.committing:
                    raise StoreUnknownError(f"the connection broke at a commit: {said}") from error
                raise StoreUnavailableError(
                    f"PostgreSQL at {self._address} cannot be used ({said}): {advice(error, self.setting)};"
                    " the app goes on by itself when it is back"
                ) from error
            raise

    def _transaction(self, work: Callable[[Connection], Result], progress: _Progress) -> Result:
        connection = progress.connection = self._engine.connect()
        connection.begin()
        if self._pooled:  # which gives us another session every time
            connection.execute(SET_LIMITS, LIMITS)
        result = work(connection)
        progress.committing = True
        connection.info[WARNED] = False
        connection.commit()
        _require_no_warning(connection)
        connection.close()
        return result

    def _alone(
        self, statement: Statement, parameters: Mapping[str, Any], progress: _Progress
    ) -> Sequence[Sequence[Any]] | None:
        connection = progress.connection = self._engine.connect()
        text, values = statement.bind(parameters)
        driver: Any = connection.connection.driver_connection
        progress.committing = not driver.is_closed()
        connection.info[WARNED] = False
        found: Sequence[Sequence[Any]] | None = None
        try:
            # Past SQLAlchemy's adapter, which would begin a transaction. asyncpg makes a stale plan anew by itself.
            found = await_only(driver.fetch(text, *values))
        except asyncpg.PostgresError:
            if driver.is_closed():  # an answer all the same, or none: who knows what came before it
                raise
        _require_no_warning(connection)
        connection.close()
        return found

    async def migrate(self) -> None:
        """Brings the schema to this app's revision, once, however many processes try."""
        await self.transact(schema.upgrade, timeout_seconds=600)

    async def _connect(self, **arguments: Any) -> asyncpg.Connection:
        # Of several hosts the last must be reached before we give up for this time.
        several = len(self._address.hosts) > 1
        within_seconds = self._patience_seconds * FOR_HOSTS if several else PATIENT_SECONDS
        return await self._address.connect(within_seconds=within_seconds, **arguments)

    def _connected(self, connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["since"] = time.monotonic()

        def note(_: Any, message: asyncpg.PostgresLogMessage) -> None:
            if message.severity_en == "WARNING":
                record.info[WARNED] = True

        connection.driver_connection.add_log_listener(note)  # is called before whoever waits for the answer goes on

    def _checked_out(self, connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        """After one connection fell silent, broke or was stale, none that is as old is used again."""
        if record.info["since"] <= self._distrusted_at:
            connection.driver_connection.terminate()
            raise DisconnectionError


def _require_no_warning(connection: Connection) -> None:
    """Raises StoreUnknownError where PostgreSQL committed with a warning.

    It has one for that, whose text depends on the server's language: somebody cancelled the wait for the synchronous
    standby, and the commit may be lost with the primary. What is written again after this waits again.
    """
    if connection.info[WARNED]:
        raise StoreUnknownError("PostgreSQL committed with a warning: perhaps without its synchronous standby")


def _is_lost(connection: Connection | None) -> bool:
    if connection is None or connection.closed or connection.invalidated:
        return False
    driver = connection.connection.driver_connection
    return driver is not None and bool(driver.is_closed())


async def _discard(connection: Connection, error: BaseException) -> None:
    """Gives a connection back, or up: after a broken or cut-off statement nobody may use it again."""
    is_sound = is_answer(error) and not is_stale(error)
    try:
        if not is_sound and not connection.invalidated:
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.terminate()  # at once: a polite end would wait for an answer
            await asyncio.wait_for(
                greenlet_spawn(connection.invalidate, error if isinstance(error, Exception) else None), 1
            )
        await asyncio.wait_for(greenlet_spawn(connection.close), 1)
    except (SQLAlchemyError, OSError, TimeoutError):
        # It is broken, which is why it was given up.
        return
