"""`anchorbolt check`: checks the settings, the listeners, the routes and the database."""

from __future__ import annotations

import asyncio
import secrets

import uvloop

from anchorbolt import main, settings
from anchorbolt.bolt.adopt.calls import let_go
from anchorbolt.errors import AnchorboltError, InvalidSettingsError, ListenersError, NoInboxError, SchemaError
from anchorbolt.http.team import routes as team_routes
from anchorbolt.inbox import opening, replication, schema
from anchorbolt.inbox.replication import Replication
from anchorbolt.lifecycle import start
from anchorbolt.settings.misspelt import misspelt
from anchorbolt.settings.model import Settings
from anchorbolt.settings.otel import collector


def check() -> None:
    """Checks the settings, the listeners, the routes and the database, and says how to fix each problem.

    Exits with 0 if all is well, with 2 if a setting, the listeners or the routes are wrong, and with 1 if only the
    database is.
    """
    try:
        _check()
    finally:
        let_go()


def _check() -> None:
    problems: list[str] = []
    for warning in misspelt():
        print(f"warning: {warning}")
    loaded = settings.load()  # malformed settings end the command here, with a line for each
    start.configure_logs(loaded)
    for needed in (lambda: start.require_needed(loaded), collector):
        try:
            needed()
        except InvalidSettingsError as error:
            problems += error.problems
    try:
        if loaded.listeners:
            uvloop.run(_listeners(loaded))
            print(f"listeners: {loaded.listeners} can be registered")
    except ListenersError as error:
        problems += error.problems
    except AnchorboltError as error:
        problems.append(str(error))
    try:
        if loaded.routes:  # imported, and not started
            print(f"routes: {uvloop.run(_routes(loaded.routes))} can be served")
    except AnchorboltError as error:
        problems.append(str(error))
    mistaken = bool(problems)
    try:
        print(*asyncio.run(_database(loaded)), sep="\n")
    except AnchorboltError as error:
        said = str(error)
        named = said.startswith((loaded.database_setting, "DATABASE_LISTEN_URL"))
        problems.append(said if named else f"{loaded.database_setting}: {said}")
    for problem in problems:
        print(f"wrong: {problem}")
    if problems:
        told = f"{len(problems)} wrong"
        raise InvalidSettingsError([told]) if mistaken else AnchorboltError(told)
    print("all is well")


async def _listeners(loaded: Settings) -> None:
    """Loads the listeners as `serve` does, in the event loop that it uses. Tasks that they begin end with it."""
    try:
        main.load(loaded, await main.run_main_blocks(loaded))
    finally:
        let_go()  # a loop that ends waits for the threads of its executor


async def _routes(setting: str) -> team_routes.TeamRoutes:
    """Loads the routes as `serve` does, in an event loop. Tasks that their module begins end with it."""
    return team_routes.load(setting)


async def _database(loaded: Settings) -> list[str]:
    database = opening.database(loaded, serves=False, makes=False)
    try:
        await database.open()
        if not database.durable:
            return ["database: in memory; what a pod acknowledged ends with it"]
        await database.read(schema.check)
        # A database that is full or read-only, or is a standby, can be read all the time.
        await database.transact(lambda connection: schema.touch(connection, f"check {secrets.token_hex(6)}"))
        return [
            "database: reached and written to, and its schema fits",
            *_of_replication(await database.read(replication.read)),
        ]
    except NoInboxError as error:
        return [f"database: {error}"]
    except SchemaError:
        if database.shared:
            raise
        await database.read(schema.require_room)
        return ["database: a SQLite file; `serve` brings it up to date by itself"]
    finally:
        await database.close()


def _of_replication(found: Replication | None) -> list[str]:
    """Lines on what replication promises, and on what a failover can lose. They tell, and count as no mistake."""
    if found is None:
        return []
    return [f"replication: {found.promise()}", *(f"warning: {warning}" for warning in found.warnings())]
