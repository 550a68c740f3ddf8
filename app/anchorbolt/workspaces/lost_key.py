"""Gives up the tokens of a key that is lost, because an operator says so: no process can know that no other has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select, update

from anchorbolt.encryption import is_encrypted, key_name
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import installation, user_token


@dataclass(frozen=True, slots=True)
class GivenUp:
    """How many tokens were given up: of `workspaces`, and of `users`."""

    workspaces: int
    users: int


def give_up(connection: Connection, key: str) -> GivenUp:
    """Marks all tokens that are encrypted with a key as needing to be installed or granted again.

    `connection`: of the transaction. `key`: its name, as an encrypted text has it.
    """
    reason = f"the key {key} of its token is lost"
    return GivenUp(
        _mark(connection, installation, "bot_token", key, reason), _mark(connection, user_token, "token", key, reason)
    )


def _mark(connection: Connection, table: Table, column: str, key: str, reason: str) -> int:
    works = table.c.state == InstallationState.INSTALLED.value
    rows = connection.execute(select(*table.primary_key.columns, table.c[column]).where(works)).all()
    values = {"state": InstallationState.REINSTALL_NEEDED.value, "reason": reason, "updated_at": now()}
    marked = 0
    for *name, token in rows:
        if token is None or not is_encrypted(token) or key_name(token) != key:
            continue
        is_it: list[Any] = [one == value for one, value in zip(table.primary_key.columns, name, strict=True)]
        # It may have been installed again since we have read it.
        marked += connection.execute(update(table).where(*is_it, table.c[column] == token).values(**values)).rowcount
    return marked
