"""Reads the tables of slack_sdk's SQLAlchemy store, and of its sqlite3 store, which has the same columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnClause, Connection, create_engine, inspect, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from anchorbolt.errors import AnchorboltError, StoreError
from anchorbolt.workspaces.stores.gathering import Gathering

# Those that say something to us. Stores made before slack_sdk 3.8 lack those of rotation.
COLUMNS = (
    *("id", "client_id", "enterprise_id", "enterprise_name", "team_id", "team_name", "is_enterprise_install"),
    *("bot_token", "bot_id", "bot_user_id", "bot_scopes", "bot_refresh_token", "bot_token_expires_at"),
    *("user_id", "user_token", "user_scopes", "user_refresh_token", "user_token_expires_at", "installed_at"),
)
PATIENT_SECONDS = 120
# What slack_sdk calls its tables, unless an app says otherwise.
INSTALLATIONS = "slack_installations"
BOTS = "slack_bots"


@dataclass(frozen=True, slots=True)
class Names:
    """What the store calls its tables."""

    installations: str = INSTALLATIONS
    bots: str = BOTS


async def gather(url: str, names: Names, into: Gathering) -> None:
    """Reads all rows of a store of slack_sdk's in SQLite or PostgreSQL into a gathering. It changes nothing there.

    `url`: of the database. `names`: of its tables. Raises AnchorboltError, whose text never holds the URL, because that
    may hold a password.
    """
    try:
        dialect, path = (made := make_url(url)).get_backend_name(), made.database
    except (ArgumentError, ValueError):
        dialect, path = url.partition(":")[0].partition("+")[0], None  # libpq's URLs may have several hosts

    def work(connection: Connection) -> None:
        _read(connection, names, into)

    try:
        if dialect in ("postgresql", "postgres"):
            await _in_postgresql(url, work)
        elif dialect == "sqlite":
            _in_sqlite(Path(path or ""), work)
        else:
            raise AnchorboltError(
                "the store is neither in SQLite nor in PostgreSQL; docs/workspaces-operate.md says what to do"
            )
    except (SQLAlchemyError, StoreError, sqlite3.Error) as error:
        said = getattr(error, "orig", None) or error
        raise AnchorboltError(f"the store cannot be read: {type(said).__name__}: {str(said).splitlines()[0]}") from None


def _read(connection: Connection, names: Names, into: Gathering) -> None:
    there = inspect(connection)
    for name, is_bot in ((names.installations, False), (names.bots, True)):
        if not there.has_table(name):
            if not is_bot:
                raise AnchorboltError(f"there is no table {name}: --installations-table names another")
            continue
        columns = {found["name"] for found in there.get_columns(name)}
        wanted: list[ColumnClause[Any]] = [named_column(known) for known in COLUMNS if known in columns]
        for row in connection.execute(select(*wanted).select_from(named_table(name))).mappings():
            into.add(dict(row), is_bot=is_bot, where=f"{name}, row {row.get('id')}")


def _in_sqlite(path: Path, work: Callable[[Connection], None]) -> None:
    if not path.is_file():
        raise AnchorboltError(f"there is no file {path}")
    # It is opened to read alone: nothing is created or changed, not by a mistake either.
    address = f"file:{quote(str(path))}?mode=ro"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
    try:
        with engine.connect() as connection:
            work(connection)
    finally:
        engine.dispose()


async def _in_postgresql(url: str, work: Callable[[Connection], None]) -> None:
    from anchorbolt.inbox.postgresql import AddressError, PostgresqlDatabase, read  # noqa: PLC0415 - only where it is used

    try:
        database = PostgresqlDatabase(read(url), pooled=True, connections=1)  # as behind a pooler: there may be one
        database.setting = "the URL of the store"
    except AddressError as error:
        raise AnchorboltError(f"the URL of the store {error}") from None
    try:
        await database.transact(work, PATIENT_SECONDS)
    finally:
        await database.close()
