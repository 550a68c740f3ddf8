"""Opens the inbox's database for an operator's command, and closes it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection

from anchorbolt import settings
from anchorbolt.encryption import Keys
from anchorbolt.errors import AnchorboltError
from anchorbolt.inbox import opening, schema
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.database import Database
from anchorbolt.lifecycle import start

Result = TypeVar("Result")

# The time limit of an operator's statement. It is longer than a pod's, because a list reads more.
PATIENT_SECONDS = 60


def unknown(key: str | None) -> AnchorboltError:
    """Returns the error for a key or an id that no delivery has."""
    return AnchorboltError(f"no delivery {key}: `anchorbolt inbox list` shows the keys")


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Database, Admin]]:
    """Opens the database that the settings name. Raises a StoreError where its schema does not fit this version."""
    loaded = settings.load()
    start.configure_logs(loaded)
    database = opening.database(loaded, serves=False, makes=False)
    if not database.durable:
        raise AnchorboltError(
            f"{loaded.database_setting} is in memory: only the pod itself can see the deliveries that it holds"
        )
    try:
        await database.open()
        await database.read(schema.check)
        yield database, Admin(database.dialect, Keys(loaded.keys))
    finally:
        await database.close()


def as_reader(work: Callable[[Admin, Connection], Result]) -> Result:
    """Runs `work`, which writes nothing, in one transaction, and returns its result."""
    return asyncio.run(_in_one_transaction(work, writes=False))


def as_admin(work: Callable[[Admin, Connection], Result]) -> Result:
    """Runs `work` in one transaction, and returns its result."""
    return asyncio.run(_in_one_transaction(work, writes=True))


async def _in_one_transaction(work: Callable[[Admin, Connection], Result], *, writes: bool) -> Result:
    async with opened() as (database, admin):
        run = database.transact if writes else database.read
        return await run(lambda connection: work(admin, connection), PATIENT_SECONDS)
