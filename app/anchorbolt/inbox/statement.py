"""A statement that is executed all the time: compiled once, and then handed to the driver as it is.

SQLAlchemy looks at each execution anew, which takes longer than SQLite itself: at half of what a pod can take, where a
transaction holds two or three deliveries, that was a fifth of all its work (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, methodcaller
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable

from anchorbolt.inbox.rows import MOST, ROWS, Listed, Row, Values, as_json

Answer = TypeVar("Answer")

# What is taken from a cursor.
_fetch_all = methodcaller("fetchall")
_inserted = attrgetter("rowcount", "lastrowid")


class Statement:
    """One statement, for one dialect. Its parameters and its columns are of types that the driver takes as they are.

    The parameter `rows` is what the statement selects from, a list of mappings (rows.py). A statement that only SQLite
    executes may have tuples instead, in the order of its columns.
    """

    def __init__(self, element: Executable) -> None:
        self._element = cast("ClauseElement", element)
        self._text: str | None = None
        self._names: Sequence[str] = ()
        self._constants: Mapping[str, Any] = {}
        self._values: Values | None = None

    def __call__(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Executes it, in a transaction that has begun. Its rows, if it returns some. Raises a DBAPIError."""
        if self._text is None:
            self._compile(connection)
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
        if self._text is None:
            self._compile(connection)
        return self._execute(connection, {ROWS: asked}, _inserted)

    def bind(self, connection: Connection, parameters: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text that the driver gets, and the values of its parameters in their order."""
        if self._text is None:
            self._compile(connection)
        given = {**self._constants, **parameters}
        if self._values is None:
            if ROWS in given:
                given[ROWS] = as_json(given[ROWS])
            return cast("str", self._text), tuple([given[name] for name in self._names])
        values: list[Any] = []
        for name in self._names:
            if name == ROWS:
                values += self._values.of(given[ROWS])
            else:
                values.append(given[name])
        return self._values.text(len(given[ROWS])), tuple(values)

    def _compile(self, connection: Connection) -> None:
        compiled = cast("SQLCompiler", self._element.compile(dialect=connection.dialect))
        self._names = compiled.positiontup or ()
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        listed = compiled.binds[ROWS].type if ROWS in compiled.binds else None
        if isinstance(listed, Listed):
            self._values = Values(str(compiled), listed.columns)
        self._text = str(compiled)

    def _execute(self, connection: Connection, parameters: Mapping[str, Any], take: Callable[[Any], Answer]) -> Answer:
        """Returns what `take` takes from the cursor of the driver."""
        text, values = self.bind(connection, parameters)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, values)
            return take(cursor)
        except cast("type[Exception]", connection.dialect.loaded_dbapi.Error) as error:
            raise DBAPIError.instance(
                text, None, error, Exception, hide_parameters=True, dialect=connection.dialect
            ) from error
