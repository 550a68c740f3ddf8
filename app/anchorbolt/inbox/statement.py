"""A statement that is executed all the time: compiled at the start, and then handed to the driver as it is.

SQLAlchemy looks at each execution anew, which takes longer than SQLite itself: at half of what a pod can take, where a
transaction holds two or three deliveries, that was a fifth of all its work (docs/decisions/0016). What a statement is
built of is not kept: of all statements it takes 1 MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter, methodcaller
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable

from anchorbolt.inbox.rows import MOST, ROWS, Listed, Row, Values, as_json
from anchorbolt.inbox.sql import POSTGRESQL, SQLITE

Answer = TypeVar("Answer")

# Whose form of parameters the texts of statements have.
DRIVERS = {POSTGRESQL: "asyncpg", SQLITE: "pysqlite"}

# What is taken from a cursor.
_fetch_all = methodcaller("fetchall")
_inserted = attrgetter("rowcount", "lastrowid")


class Statement:
    """One statement, for one dialect. Its parameters and its columns are of types that the driver takes as they are.

    The parameter `rows` is what the statement selects from, a list of mappings (rows.py). A statement that only SQLite
    executes may have tuples instead, in the order of its columns.
    """

    def __init__(self, dialect: str, element: Executable) -> None:
        """`dialect`: its name, POSTGRESQL or SQLITE."""
        compiled = cast("SQLCompiler", cast("ClauseElement", element).compile(dialect=_dialect(dialect)))
        self._text = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._constants: Mapping[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        listed = compiled.binds[ROWS].type if ROWS in compiled.binds else None
        self._values = Values(self._text, listed.columns) if isinstance(listed, Listed) else None

    def __call__(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Executes it, in a transaction that has begun. Its rows, if it returns some. Raises a DBAPIError."""
        if self._values is None or 0 < len(asked := parameters[ROWS]) <= MOST:
            return self._execute(connection, parameters, _fetch_all)
        found: list[Sequence[Any]] = []
        for begins in range(0, len(asked), MOST):
            found += self._execute(connection, {**parameters, ROWS: asked[begins : begins + MOST]}, _fetch_all)
        return found

    def insert(self, connection: Connection, asked: Sequence[Row]) -> tuple[int, int]:
        """Executes it for at most MOST rows, on SQLite. Raises a DBAPIError.

        Returns how many of them it has inserted, and the id of the last one; where it inserted none, no such id.
        """
        return self._execute(connection, {ROWS: asked}, _inserted)

    def bind(self, parameters: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text that the driver gets, and the values of its parameters in their order."""
        given = {**self._constants, **parameters}
        if self._values is None:
            if ROWS in given:
                given[ROWS] = as_json(given[ROWS])
            return self._text, tuple([given[name] for name in self._names])
        values: list[Any] = []
        for name in self._names:
            if name == ROWS:
                values += self._values.of(given[ROWS])
            else:
                values.append(given[name])
        return self._values.text(len(given[ROWS])), tuple(values)

    def _execute(self, connection: Connection, parameters: Mapping[str, Any], take: Callable[[Any], Answer]) -> Answer:
        """Returns what `take` takes from the cursor of the driver."""
        text, values = self.bind(parameters)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, values)
            return take(cursor)
        except cast("type[Exception]", connection.dialect.loaded_dbapi.Error) as error:
            raise DBAPIError.instance(
                text, None, error, Exception, hide_parameters=True, dialect=connection.dialect
            ) from error


@cache
def _dialect(name: str) -> Dialect:
    return make_url(f"{name}+{DRIVERS[name]}://").get_dialect()()
