"""`anchorbolt check`: checks the settings, the listeners and the database."""

from __future__ import annotations

import asyncio

from anchorbolt import main, settings
from anchorbolt.bolt import listeners
from anchorbolt.bolt.app import BoltApp
from anchorbolt.errors import AnchorboltError, InvalidSettingsError, NoInboxError, SchemaError
from anchorbolt.inbox import schema
from anchorbolt.lifecycle import start
from anchorbolt.settings import team
from anchorbolt.settings.otel import collector


def check() -> None:
    """Checks the settings, the listeners and the database, and prints for each problem how to mend it."""
    problems: list[str] = []
    loaded = settings.load()  # malformed settings end the command here, with a line for each
    start.configure_logs(loaded)
    for needed in (lambda: start.require_needed(loaded), collector):
        try:
            needed()
        except InvalidSettingsError as error:
            problems += error.problems
    try:
        if loaded.listeners:
            team.fill_environment(loaded)
            listeners.register(BoltApp(token="xoxb-check", api_url=loaded.slack_api_url), loaded.listeners)  # noqa: S106
            print(f"listeners: {loaded.listeners} can be registered")
    except AnchorboltError as error:
        problems.append(str(error))
    try:
        print(asyncio.run(_database(loaded)))
    except AnchorboltError as error:
        problems.append(f"DATABASE_URL: {error}")
    for problem in problems:
        print(f"wrong: {problem}")
    if problems:
        raise AnchorboltError(f"{len(problems)} wrong")
    print("all is well")


async def _database(loaded: settings.Settings) -> str:
    database = main.database(loaded, serves=False, makes=False)
    try:
        await database.open()
        if not database.durable:
            return "database: in memory; what a pod acknowledged ends with it"
        await database.transact(schema.check)
    except NoInboxError as error:
        return f"database: {error}"
    except SchemaError:
        if database.shared:
            raise
        return "database: a SQLite file; `serve` brings it up to date by itself"
    finally:
        await database.close()
    return "database: reached, and its schema fits"
