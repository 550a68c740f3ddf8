"""What PostgreSQL does for the statements of a piece of work, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

from anchorbolt.inbox.statement import Statement
from sqlalchemy import Connection, event


def plans(connection: Connection, work: Callable[[Connection], object]) -> list[str]:
    """Runs the work, then explains each of its statements with the parameters that it had. All is rolled back."""
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    bind = Statement.bind

    def note_too(self: Statement, parameters: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        seen.append(bind(self, parameters))
        return seen[-1]

    event.listen(connection, "before_cursor_execute", note)
    with connection.begin_nested() as savepoint, mock.patch.object(Statement, "bind", note_too):
        work(connection)
        savepoint.rollback()
    event.remove(connection, "before_cursor_execute", note)
    explained = []
    for statement, parameters in seen:
        if statement.startswith(("SAVEPOINT", "ROLLBACK")):
            continue
        with connection.begin_nested() as savepoint:
            asked = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}"
            lines = connection.exec_driver_sql(asked, parameters).scalars().all()
            savepoint.rollback()
        explained.append(f"{statement}\n\n" + "\n".join(lines))
    return explained
