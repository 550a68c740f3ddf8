"""What the inbox asks of a database: transactions that either happened, did not, or may have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Connection

Result = TypeVar("Result")


class Wake(StrEnum):
    """What a process tells the others."""

    LANES = "anchorbolt_lanes"  # a lane waits
    SEAT = "anchorbolt_seat"  # the seat was taken, served or left


class Database(ABC):
    """SQLite or PostgreSQL. `shared`: other processes run from it too. `durable`: it outlives the process.

    `joins`: what is asked of it in one moment is one transaction.
    """

    dialect: str
    joins: bool
    shared: bool
    durable: bool

    @abstractmethod
    async def open(self, on_wake: Callable[[Wake], None] = lambda wake: None) -> None:
        """Connects. Raises StoreUnavailableError or StoreLockedError. `on_wake`: another process says so."""

    @abstractmethod
    async def close(self) -> None:
        """Ends the connections."""

    def wake_others(self, wake: Wake) -> None:  # noqa: B027 - nobody else is there, unless the database is shared
        """Tells other processes. It may be lost: they also look once a second."""

    @abstractmethod
    async def transact(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """Runs `work` in one transaction and commits it.

        Raises StoreUnavailableError when nothing was stored because the database was not there, StoreUnknownError
        when the commit may have happened, and SQLAlchemy's own error when the database refused a statement.
        """

    @abstractmethod
    async def migrate(self) -> None:
        """Brings the schema to this app's revision."""
