"""Chooses the database that DATABASE_URL names: the part of the composition root that the command line needs alone.

An operator's command must not import all that serves: it would start several times as slowly.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from anchorbolt.errors import InvalidSettingsError
from anchorbolt.inbox.database import Database
from anchorbolt.settings.model import NO_LISTEN, OF_THE_APP, Settings


def database(settings: Settings, *, serves: bool = True, makes: bool = True) -> Database:
    """Returns the database that DATABASE_URL names. Raises InvalidSettingsError.

    `serves` False: for the command line, beside a process that serves. `makes` False: to read only; a SQLite file that
    does not exist is not created.
    """
    found = _postgresql(settings, serves=serves) if settings.on_postgresql else _sqlite(settings, serves, makes)
    found.setting = settings.database_setting
    return found


def _sqlite(settings: Settings, serves: bool, makes: bool) -> Database:
    from anchorbolt.inbox.sqlite import SqliteDatabase  # noqa: PLC0415 - only the one that is used is loaded

    try:
        named = make_url(settings.database_url.get_secret_value()).database
    except (ArgumentError, ValueError):
        raise InvalidSettingsError([f"{settings.database_setting}: is no URL"]) from None
    path = None if named in (None, "", ":memory:") else Path(named)
    return SqliteDatabase(path, serves=serves, makes=makes, busy_seconds=0 if serves else 5)


def _postgresql(settings: Settings, *, serves: bool) -> Database:
    from anchorbolt.inbox.postgresql import AddressError, PostgresqlDatabase, read  # noqa: PLC0415 - only where it is used

    read_from = settings.database_setting
    try:
        address = read(settings.database_url.get_secret_value())
        listen_url = settings.database_listen_url
        if listen_url is None:
            return PostgresqlDatabase(address, listen_url=address if serves else None)
        if listen_url.get_secret_value() == NO_LISTEN:
            return PostgresqlDatabase(address, pooled=True)
        read_from = "DATABASE_LISTEN_URL"
        return PostgresqlDatabase(address, pooled=True, listen_url=read(listen_url.get_secret_value()))
    except AddressError as error:
        hint = f"; {OF_THE_APP}" if read_from == "DATABASE_URL" else ""
        raise InvalidSettingsError([f"{read_from}: {error}{hint}"]) from None
