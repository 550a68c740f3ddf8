"""What of the database is encrypted: which columns of which tables, and the place that each text is bound to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, or_, select, tuple_

from anchorbolt.inbox.delivery_encryption import BODY, HEADERS, HISTORY, place
from anchorbolt.inbox.retention import is_ended
from anchorbolt.inbox.sql import word
from anchorbolt.inbox.tables import delivery, installation, user_token
from anchorbolt.workspaces.rows import place_of_bot, place_of_user


@dataclass(frozen=True, slots=True)
class EncryptedRows:
    """The rows of a table that have something to encrypt.

    Args:
        name: of what they hold, for operators.
        table: of the database.
        columns: those that are encrypted.
        place: what the text in a column of a row is bound to.
        lines: columns in which each line is a text of its own.
        conditions: rows that meet one of them have such texts; without any, all rows have.
    """

    name: str
    table: Table
    columns: tuple[str, ...]
    place: Callable[[Row[Any], str], str]
    lines: tuple[str, ...] = ()
    conditions: tuple[ColumnElement[bool], ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """The columns of the primary key."""
        return tuple(self.table.primary_key.columns)

    def names(self, connection: Connection) -> list[tuple[Any, ...]]:
        """The primary keys of the rows that may have something to encrypt, in their order."""
        wanted = select(*self.key)
        if self.conditions:
            wanted = wanted.where(or_(*self.conditions))
        return sorted(tuple(row) for row in connection.execute(wanted))

    def are(self, names: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
        """The rows with these primary keys."""
        return tuple_(*self.key).in_(list(names))


ENCRYPTED = (
    EncryptedRows(
        "installations",
        installation,
        ("bot_token", "bot_refresh_token"),
        lambda row, column: place_of_bot(row.workspace, column),
    ),
    EncryptedRows(
        "tokens of users",
        user_token,
        ("token", "refresh_token"),
        lambda row, column: place_of_user(row.workspace, row.user_id, column),
    ),
    EncryptedRows(
        "deliveries",
        delivery,
        (BODY, HEADERS, HISTORY),
        lambda row, column: place(row.key, column),
        lines=(HISTORY,),
        # What is done has no texts, and may be millions.
        conditions=(delivery.c.state == word("live"), is_ended("dead"), is_ended("cancelled")),
    ),
)
