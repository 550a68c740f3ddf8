"""The store: the database as the steps of the protocol use it. What comes of each use tells whether it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError

from anchorbolt.errors import StoreError, StoreRefusedError
from anchorbolt.inbox.database import Database, Result
from anchorbolt.telemetry.logs import get_logger

log = get_logger("inbox")


class Store:
    """One database, and whether it is up as far as this process knows. `clock`: monotonic, in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.database = database
        self.up = True
        self.up_since = float("-inf")  # nobody lost anything yet: the first claim need not wait
        self.clock = clock

    async def transact(self, work: Callable[..., Result], *, reads: bool = False) -> Result:
        """One transaction. Raises a StoreError.

        `reads`: it writes nothing, or may have nothing to write, so that it shows no database that is well.
        """
        result = await self.ask(self.database.transact(work))
        if not reads:
            self._came_up()
        return result

    async def ask(self, asked: Awaitable[Result]) -> Result:
        """Notes what an error says of the database. Raises a StoreError."""
        try:
            return await asked
        except StoreError as error:
            self._went_down(error)
            raise
        except DBAPIError as error:
            said = f"{type(error.orig).__name__}: {str(error.orig).splitlines()[0]}"
            log.error("the database refused a statement", error=said)
            raise StoreRefusedError(said) from error

    def _went_down(self, error: StoreError) -> None:
        if self.up:
            log.error("store down: events are refused, commands go on unprotected", error=str(error))
        self.up = False

    def _came_up(self) -> None:
        if not self.up:
            log.warning("store up again")
            self.up = True
            self.up_since = self.clock()
