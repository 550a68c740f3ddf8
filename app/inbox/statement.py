"""A statement that is executed all the time: compiled once, and on SQLite handed to its driver as it is.

SQLAlchemy looks at each execution anew, which takes longer than SQLite itself: at half of what a pod can take, when a
transaction holds two or three deliveries, that was a fifth of all its work (docs/decisions/0003).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable


class Statement:
    """One statement, for one dialect."""

    def __init__(self, element: Executable) -> None:
        self._element = element
        self._text: str | None = None  # of SQLite
        self._names: Sequence[str] = ()
        self._constants: Mapping[str, Any] = {}

    def __call__(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Executes it. Its rows, if it returns some. Raises SQLAlchemy's errors."""
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            result = connection.execute(self._element, parameters)
            return result.all() if result.returns_rows else ()
        if self._text is None:
            self._compile(connection.dialect)
        text = cast("str", self._text)
        given = {**self._constants, **parameters}
        try:
            return driver.execute(text, [given[name] for name in self._names]).fetchall()
        except sqlite3.Error as error:
            raise DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True) from error

    def _compile(self, dialect: Dialect) -> None:
        element = cast("ClauseElement", self._element)
        compiled = cast("SQLCompiler", element.compile(dialect=dialect))
        self._names = compiled.positiontup or ()
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._text = str(compiled)
