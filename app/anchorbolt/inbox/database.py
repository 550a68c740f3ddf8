"""What the inbox asks of a database: transactions that either happened, did not, or may have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection

from anchorbolt.inbox.statement import Statement

if TYPE_CHECKING:  # they are built on this
    from anchorbolt.inbox.accept import Accept
    from anchorbolt.inbox.complete import Complete
    from anchorbolt.inbox.owner import Owner
    from anchorbolt.inbox.store import Store

Result = TypeVar("Result")


class Wake(StrEnum):
    """What a process tells the others."""

    LANES = "anchorbolt_lanes"  # a lane waits
    URGENT = "anchorbolt_urgent"  # a lane of an urgent event waits: who has no slot for others may have one for it
    # The leader lock was taken, served or left. The word is what processes of other versions listen for.
    LEADER_LOCK = "anchorbolt_seat"
    HOLDS = "anchorbolt_holds"  # what holds deliveries back has changed: holds, pauses
    CANCEL = "anchorbolt_cancel"  # a run is to be cancelled
    WORKSPACES = "anchorbolt_workspaces"  # installations or tokens have changed, read them again


class Database(ABC):
    """SQLite or PostgreSQL. `shared`: other processes run from it too. `durable`: it outlives the process.

    `joins`: what is asked of it in one moment is one transaction. `accept` and `complete`: how a group is written in
    it. `setting`: what names it, for messages.
    """

    dialect: str
    joins: bool
    shared: bool
    durable: bool
    accept: Callable[[Store, Owner], Accept]
    complete: Callable[[Store, Owner], Complete]
    setting: str = "DATABASE_URL"

    @abstractmethod
    async def open(self, on_wake: Callable[[Wake], None] = lambda wake: None) -> None:
        """Connects. Raises StoreUnavailableError or StoreLockedError. `on_wake`: another process says so."""

    @abstractmethod
    async def close(self) -> None:
        """Closes all connections to the database."""

    def wake_others(self, wake: Wake) -> None:  # noqa: B027 - nobody else is there, unless the database is shared
        """Tells other processes. It may be lost: they also look once a second."""

    @abstractmethod
    async def transact(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """Runs `work` in one transaction and commits it.

        Raises StoreUnavailableError when nothing was stored because the database was not there, StoreUnknownError
        when the commit may have happened, and SQLAlchemy's own error when the database refused a statement.
        """

    async def read(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """Runs `work`, which writes nothing, in one transaction, which no other process has to wait for.

        Raises StoreUnavailableError, or SQLAlchemy's own error when the database refused a statement.
        """
        return await self.transact(work, timeout_seconds)

    async def execute(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]] | None:
        """Executes one statement as a transaction of its own. Its rows.

        None: the database has no way for that, or did nothing of it, for whatever reason; a transaction will do it, or
        tell the reason. Raises StoreUnavailableError when nothing was sent, and StoreUnknownError when no answer came.
        """
        return None

    def look(self, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]] | None:
        """Executes one statement that reads what is committed, without waiting for anything. Its rows.

        None: the database has no way for that, or something is wrong with it; a transaction will tell the reason.
        """
        return None

    async def tidy(self) -> None:  # noqa: B027 - PostgreSQL does by itself what there is to do
        """Removes what is left of deleted rows; called about once a minute."""

    @abstractmethod
    async def migrate(self) -> None:
        """Brings the schema to this app's revision."""
