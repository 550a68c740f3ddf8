"""Which schema the database has, whether this app can live with it, and how to bring it up to date.

The rule for every migration is expand, then contract (docs/operations/migrations.md): a revision only adds what the
version before it can ignore; what nobody uses any more goes one release later, and raises `compatible_from`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, inspect, select, text

from anchorbolt.errors import SchemaError
from anchorbolt.inbox.sql import POSTGRESQL, SQLITE
from anchorbolt.inbox.tables import REVISION, delivery, inbox, metadata, seat
from anchorbolt.settings.model import OF_THE_APP

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number serves that nobody else locks in this database.
ADVISORY_LOCK = 0x616E63686F72
# Alembic's own table, in its own form.
note = Table("anchorbolt_version", MetaData(), Column("version_num", String(32), primary_key=True))


def check(connection: Connection) -> int:
    """Returns the revision of the schema.

    Raises SchemaError when this app cannot live with it; a newer, compatible one is fine.
    """
    found = _found(connection)
    if found is None:
        raise SchemaError("the database has no inbox yet: run `anchorbolt migrate`")
    revision, compatible_from = found
    if revision < REVISION:
        raise SchemaError(
            f"the schema is at revision {revision} and this app needs {REVISION}: run `anchorbolt migrate`"
            " with this version of the app"
        )
    if compatible_from > REVISION:
        raise SchemaError(
            f"the schema is at revision {revision}, which needs an app that knows revision {compatible_from};"
            f" this one knows {REVISION}: deploy a newer version of the app"
        )
    return revision


def touch(connection: Connection, owner: str) -> None:
    """Writes a row and takes it away again: a database that is full, or only a replica, can be read all the time."""
    name = f"probe of {owner}"  # its own: several processes that ask do not wait for each other
    connection.execute(insert(seat).values(name=name, owner=None, epoch=0, held_until=0, served=0))
    connection.execute(delete(seat).where(seat.c.name == name))


def upgrade(connection: Connection) -> None:
    """Brings the schema to REVISION in the caller's transaction; others that try meanwhile wait, and find it done."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        # From here on a lock that does not come must not hold up the pods that serve.
        connection.execute(text("SET LOCAL lock_timeout = '3s'"))
        # And a migration may think for longer than a pod may stand still.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
    found = _found(connection)
    if found is not None and found[0] >= REVISION:
        return
    require_room(connection)
    if found is None and connection.dialect.name == SQLITE:
        # By the process that then serves: Alembic would stay in it, with 11 MiB, for as long as it lives.
        create(connection)
        return
    run_revisions(connection)


def run_revisions(connection: Connection, last: str = "head") -> None:
    """Runs the revisions that are missing, up to `last`: that of REVISION, or one before it."""
    from alembic import command  # noqa: PLC0415 - slow to import, and mostly there is nothing to do
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, last)


def create(connection: Connection) -> None:
    """Makes SQLite's schema at once, as the revisions would make it. Alembic finds its note, and goes on from there."""
    # An id is never used again, because ids are the order. Said here and not in tables.py, where this keyword would
    # load SQLAlchemy's SQLite dialect, half a MiB, in a process that has PostgreSQL.
    delivery.dialect_kwargs["sqlite_autoincrement"] = True
    metadata.create_all(connection)
    connection.execute(insert(inbox).values(id=1, revision=REVISION, compatible_from=1))
    note.create(connection)
    connection.execute(insert(note).values(version_num=f"{REVISION:04}"))


def require_room(connection: Connection) -> None:
    """Raises SchemaError where the database is of another application, and the inbox would get in its way."""
    if _found(connection) is not None:
        return
    tables = set(inspect(connection).get_table_names())
    # A SQLite file is locked by the process that serves; a PostgreSQL may be shared as long as no name is taken.
    in_the_way = tables - {note.name} if connection.dialect.name == SQLITE else tables & set(metadata.tables)
    if in_the_way:
        some = ", ".join(sorted(in_the_way)[:3])
        raise SchemaError(f"the database has tables that are not Anchorbolt's ({some}): {OF_THE_APP}")


def _found(connection: Connection) -> tuple[int, int] | None:
    if not inspect(connection).has_table(inbox.name):
        return None
    row = connection.execute(select(inbox.c.revision, inbox.c.compatible_from)).one_or_none()
    return (row.revision, row.compatible_from) if row is not None else None
