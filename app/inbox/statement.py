"""A statement that is executed all the time: compiled once, and then handed to the driver as it is.

SQLAlchemy looks at each execution anew, which takes longer than SQLite itself: at half of what a pod can take, where a
transaction holds two or three deliveries, that was a fifth of all its work (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable


class Statement:
    """One statement, for one dialect. Its parameters and its columns are of types that the driver takes as they are."""

    def __init__(self, element: Executable) -> None:
        self._element = cast("ClauseElement", element)
        self._text: str | None = None
        self._names: Sequence[str] = ()
        self._constants: Mapping[str, Any] = {}

    def __call__(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Executes it, in a transaction that has begun. Its rows, if it returns some. Raises a DBAPIError."""
        text, values = self.bind(connection, parameters)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else ()
        except cast("type[Exception]", connection.dialect.loaded_dbapi.Error) as error:
            raise DBAPIError.instance(
                text, None, error, Exception, hide_parameters=True, dialect=connection.dialect
            ) from error

    def bind(self, connection: Connection, parameters: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text that the driver gets, and the values of its parameters in their order."""
        if self._text is None:
            compiled = cast("SQLCompiler", self._element.compile(dialect=connection.dialect))
            self._names = compiled.positiontup or ()
            self._constants = {name: value for name, value in compiled.params.items() if value is not None}
            self._text = str(compiled)
        given = {**self._constants, **parameters}
        return self._text, tuple(given[name] for name in self._names)
