"""What the statements of the inbox are made of: types, words, and the clock, which each database reads otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    Double,
    Integer,
    ScalarSelect,
    Text,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.sql.schema import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

# The names of the two dialects.
POSTGRESQL, SQLITE = "postgresql", "sqlite"

TEXT, WHOLE, LARGE, REAL = Text, Integer, BigInteger, Double


class now(FunctionElement[float]):
    """The database's clock. It goes on within a transaction: a lease counts from the statement that takes it."""

    type = Double()
    inherit_cache = True
    name = "now"


@compiles(now, POSTGRESQL)
def _postgresql_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "extract(epoch FROM clock_timestamp())::float8"


@compiles(now, SQLITE)
def _sqlite_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    # sqlite/connection.py gives every connection this function: the clock that the app was given. Asked once a
    # statement, not for each row, because it is a call into Python.
    return "(SELECT clock())"


def this_moment() -> ScalarSelect[float]:
    """The same clock, read once a statement, to compare with what an index holds: for a clock that goes on meanwhile
    PostgreSQL would look at every row."""
    return select(now()).scalar_subquery()


def word(value: str) -> ColumnClause[str]:
    """A state as a part of the statement's text: for a parameter, neither database finds the index on that state."""
    return literal_column(f"'{value}'", Text())


def number(value: int) -> ColumnClause[int]:
    """A number as a part of the statement's text: one parameter less to send and to bind."""
    return literal_column(str(value), Integer())


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT."""
    # Each here, because a process has one database, and the other's dialect is 2 MiB that it would never use.
    if dialect == POSTGRESQL:
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)
