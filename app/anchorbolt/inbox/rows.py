"""A list of rows that a statement reads: the one place, beside the clock, where the SQL of the databases differs.

PostgreSQL gets one JSON text: a statement for a group of any size, prepared once. SQLite would read such a text again
for each column of each row, which took half of its time; it gets VALUES, for some rows at a time, and a
statement is prepared for each size that came (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import JSON, FromClause, Text, bindparam, column, func, literal_column, select, text
from sqlalchemy.sql.expression import cast
from sqlalchemy.types import TypeEngine

from anchorbolt.inbox.sql import POSTGRESQL

Row = Mapping[str, Any] | tuple[Any, ...]
Types = Mapping[str, type[TypeEngine[Any]]]

ROWS = "rows"
# So many at a time: to prepare for more would gain a twentieth. Of a dozen statements, each has this many sizes.
MOST = 16
VALUES = "(VALUES ?)"


class Listed(Text):
    """The type of a parameter that stands for rows. Each has these columns."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__()
        self.columns = columns


def rows(dialect: str, types: Types) -> FromClause:
    """What a statement selects from; once in a statement. Its parameter is named `rows`."""
    if dialect == POSTGRESQL:
        return (
            func.json_to_recordset(cast(bindparam(ROWS, type_=Text()), JSON))
            .table_valued(*(column(name, kind) for name, kind in types.items()))
            .render_derived(name=ROWS, with_types=True)
        )
    listed = bindparam(ROWS, type_=Listed(tuple(types)))
    fields = (literal_column(f"column{n}", kind()).label(name) for n, (name, kind) in enumerate(types.items(), 1))
    return select(*fields).select_from(text(VALUES.replace("?", f":{ROWS}")).bindparams(listed)).subquery(ROWS)


def keyed(dialect: str, types: Types) -> FromClause:
    """Rows of which each names a row of a table, by its key or what its index begins with.

    PostgreSQL is made to expect one of them: it looks each up, also by a plan that it made while the table was empty,
    and keeps. It expects a hundred otherwise, and of a small table all rows at once are less for so many.
    """
    found = rows(dialect, types)
    if dialect != POSTGRESQL:
        return found
    first = next(iter(found.c))
    always_true = func.nullif(first, first).is_(None)  # and thought to be true of one in two hundred
    return select(*found.c).where(always_true).subquery("asked")


def as_json(values: Sequence[Row]) -> str:
    """Writes a group of rows as one JSON text, which is how PostgreSQL gets them."""
    return orjson.dumps(values).decode()


class Values:
    """How SQLite gets them: a statement's text for each number of rows, and their values one after the other.

    The rows are mappings, or all of them tuples in the order of the columns, which need not be looked up.
    """

    def __init__(self, statement: str, columns: Sequence[str]) -> None:
        self._before, self._after = statement.split(VALUES)
        self._row = "(" + ", ".join("?" * len(columns)) + ")"
        self._texts: dict[int, str] = {}
        self._of_row = itemgetter(*columns)
        self._is_one = len(columns) == 1  # of one column, `itemgetter` returns the value itself

    def of(self, asked: Sequence[Row]) -> Iterable[Any]:
        """The values of all rows, of which there is at least one."""
        if isinstance(asked[0], tuple):
            return chain.from_iterable(asked)
        values = map(self._of_row, asked)
        return values if self._is_one else chain.from_iterable(values)

    def text(self, size: int) -> str:
        """The statement for so many rows."""
        found = self._texts.get(size)
        if found is None:
            values = ", ".join([self._row] * size)
            found = self._texts[size] = f"{self._before}(VALUES {values}){self._after}"
        return found
