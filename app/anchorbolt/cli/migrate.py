"""`anchorbolt migrate`: brings the schema of the inbox up to date."""

from __future__ import annotations

import asyncio

from anchorbolt import main, settings
from anchorbolt.inbox.tables import REVISION
from anchorbolt.lifecycle import start


def migrate() -> None:
    """Brings the database of DATABASE_URL to the schema that this version needs.

    It may run several times at once, and while pods of the version before still run. `serve` does it by itself for a
    SQLite file.
    """
    loaded = settings.load()
    start.configure_logs(loaded)
    asyncio.run(_migrate(loaded))
    print(f"the schema is at revision {REVISION} or newer")


async def _migrate(loaded: settings.Settings) -> None:
    database = main.database(loaded, serves=False)
    try:
        await database.open()
        await database.migrate()
    finally:
        await database.close()
