"""The schema that is made at once is the one that the revisions make, so that either may be migrated further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.errors import SchemaError
from anchorbolt.inbox import schema
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.tables import REVISION, inbox, metadata
from sqlalchemy import Connection, inspect, select, text

from tests.contract.conftest import MakeDatabase


def described(connection: Connection) -> dict[str, Any]:
    """Everything that the database says of each table, and the row about the inbox."""
    found = inspect(connection)
    tables: dict[str, Any] = {
        name: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)
            ],
            "key": found.get_pk_constraint(name)["constrained_columns"],
            "unique": found.get_unique_constraints(name),
        }
        for name in found.get_table_names()
    }
    indexes = {
        index["name"]: (index["column_names"], {key: str(value) for key, value in index["dialect_options"].items()})
        for name in tables
        for index in found.get_indexes(name)
    }
    rows = [tuple(row) for row in connection.execute(select(inbox))]
    return {"tables": tables, "indexes": indexes, "rows": rows}


async def made(database: Database, *how: Callable[[Connection], None]) -> dict[str, Any]:
    """Makes a schema, and drops it again. What it was."""

    def work(connection: Connection) -> dict[str, Any]:
        for step in how:
            step(connection)
        found = described(connection)
        metadata.drop_all(connection)
        schema.note.drop(connection)
        return found

    if not database.shared:
        await database.open()
    return await database.transact(work, 60)


async def test_made_at_once_or_by_the_revisions(make_database: MakeDatabase) -> None:
    """Tables, columns, indexes and the inbox's row are the same, and the revisions find nothing left to do."""
    database = make_database()
    try:
        by_revisions = await made(database, schema.run_revisions)
        assert by_revisions["rows"] == [(1, REVISION, 1, None, None)]
        assert "anchorbolt_version" in by_revisions["tables"]
        assert await made(database, schema.create) == by_revisions
        assert await made(database, schema.create, schema.run_revisions) == by_revisions
    finally:
        await database.close()


@pytest.mark.parametrize("name", ["delivery", "django_migrations"])
async def test_the_database_of_another_application(make_database: MakeDatabase, name: str) -> None:
    """The inbox is made beside no table of its names, and in no SQLite file of an app: the message says the way out."""
    database = make_database()
    try:
        if not database.shared:
            await database.open()
        await database.transact(lambda connection: connection.execute(text(f"CREATE TABLE {name} (id INTEGER)")), 60)
        if database.shared and name == "django_migrations":
            await database.transact(schema.upgrade, 60)
            await database.transact(schema.check, 60)
        else:
            with pytest.raises(SchemaError, match=rf"not Anchorbolt's \({name}\).* ANCHORBOLT_DATABASE_URL"):
                await database.transact(schema.upgrade, 60)
    finally:
        await database.close()
