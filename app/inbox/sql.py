"""The two places where the SQL of SQLite and of PostgreSQL differ: the clock, and a list of rows as one parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnClause,
    Double,
    FromClause,
    Integer,
    ScalarSelect,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement, cast
from sqlalchemy.sql.schema import Table
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Types = Mapping[str, type[TypeEngine[Any]]]

TEXT, WHOLE, LARGE, REAL = Text, Integer, BigInteger, Double


class now(FunctionElement[float]):
    """The database's clock. It goes on within a transaction: a lease counts from the statement that takes it."""

    type = Double()
    inherit_cache = True
    name = "now"


@compiles(now, "postgresql")
def _postgresql_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "extract(epoch FROM clock_timestamp())::float8"


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock()"  # sqlite.py gives every connection this function: the clock that the app was given


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


def rows(dialect: str, types: Types, parameter: str = "rows") -> FromClause:
    """A list of rows, sent as one JSON text: one statement for a group of any size, prepared once."""
    bind = bindparam(parameter, type_=Text())
    if dialect == "postgresql":
        return (
            func.json_to_recordset(cast(bind, JSON))
            .table_valued(*(column(name, kind) for name, kind in types.items()))
            .render_derived(name=parameter, with_types=True)
        )
    each = func.json_each(bind).table_valued(column("value", Text), name=f"{parameter}_each")
    fields = [func.json_extract(each.c.value, f"$.{name}", type_=kind()).label(name) for name, kind in types.items()]
    return select(*fields).select_from(each).where(true()).subquery(parameter)


def as_rows(values: Sequence[Mapping[str, Any]]) -> str:
    """What is sent as the parameter of `rows`."""
    return orjson.dumps(values).decode()


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT."""
    # Each here, because a process has one database, and the other's dialect is 2 MiB that it would never use.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)
