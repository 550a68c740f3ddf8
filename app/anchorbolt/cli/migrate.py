"""`anchorbolt migrate`: brings the schema of the inbox up to date."""

from __future__ import annotations

import asyncio

from anchorbolt import settings
from anchorbolt.inbox import opening, schema
from anchorbolt.inbox.tables import REVISION
from anchorbolt.lifecycle import start
from anchorbolt.settings.model import Settings


def migrate() -> None:
    """Creates the inbox's tables in the database that the settings name, or upgrades them.

    It may run several times at once, and while pods of the previous version run. For a SQLite file `serve` does it by
    itself.
    """
    loaded = settings.load()
    start.configure_logs(loaded)
    revision = asyncio.run(_migrate(loaded))
    print(f"the schema is at revision {revision}, and this version needs {REVISION}")


async def _migrate(loaded: Settings) -> int:
    """Returns the revision that the schema is at. Raises SchemaError where this version cannot live with it."""
    database = opening.database(loaded, serves=False)
    try:
        await database.open()
        await database.migrate()
        return await database.transact(schema.check)
    finally:
        await database.close()
