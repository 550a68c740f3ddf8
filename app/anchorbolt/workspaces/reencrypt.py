"""Encrypts everything again that is not encrypted with the first key of TOKEN_KEYS, while pods serve.

It walks over the rows in batches, as often as there is something left to do. A row is written by compare-and-set: one
that somebody locks or changes meanwhile is left to the next pass. So it may be ended at any time, and begun again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from anchorbolt.encryption import Keys
from anchorbolt.errors import UndecryptableError
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.workspaces.encrypted import ENCRYPTED, EncryptedRows

# Few, because a SQLite file has one writer at a time, and a body may have a megabyte.
BATCH = 50
# Between two batches: whoever serves has the database meanwhile.
PAUSE_SECONDS = 0.01
# A pass after which something was left is tried again: pods that have the new key first leave nothing after a second.
MOST_PASSES = 10
PASS_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Reencrypted:
    """What became of the rows of one kind.

    `encrypted`: again, or for the first time. `left`: changed or locked by somebody else in each pass, or still being
    written with another key. `undecryptable`: by workspace, in the last pass.
    """

    name: str
    encrypted: int = 0
    left: int = 0
    undecryptable: Counter[str] = field(default_factory=Counter)


async def reencrypt(database: Database, keys: Keys, timeout_seconds: float) -> list[Reencrypted]:
    """Encrypts all rows with the first key; returns what became of them, by kind.

    `timeout_seconds`: of one transaction. Raises a StoreError.
    """
    found = []
    for kind in ENCRYPTED:
        total = Reencrypted(kind.name)
        found.append(total)
        for passes in range(MOST_PASSES):
            await asyncio.sleep(PASS_PAUSE_SECONDS if passes else 0)
            one = await _pass(database, kind, keys, timeout_seconds)
            total.encrypted += one.encrypted
            total.left, total.undecryptable = one.left, one.undecryptable
            if not one.encrypted and not one.left:
                break
        else:
            total.left = max(total.left, one.encrypted)
    await database.tidy()
    return found


async def _pass(database: Database, kind: EncryptedRows, keys: Keys, timeout_seconds: float) -> Reencrypted:
    """Goes over all rows once."""
    found = Reencrypted(kind.name)
    names = await database.transact(kind.names, timeout_seconds)
    for first in range(0, len(names), BATCH):
        batch = names[first : first + BATCH]
        rows = await database.transact(lambda c, batch=batch: _read(c, kind, batch), timeout_seconds)  # type: ignore[misc]
        changes = []
        for row in rows:
            try:
                changed = _changed(kind, keys, row)
            except UndecryptableError:
                if row.state == InstallationState.REINSTALL_NEEDED.value:  # nobody needs its token, nor the key
                    continue
                found.undecryptable[row.workspace or "no workspace"] += 1
                continue
            if changed:
                changes.append((row, changed))
        if changes:
            written = await database.transact(lambda c, changes=changes: _write(c, kind, changes), timeout_seconds)  # type: ignore[misc]
            found.encrypted += written
            found.left += len(changes) - written
        await asyncio.sleep(PAUSE_SECONDS)
    return found


def _changed(kind: EncryptedRows, keys: Keys, row: Row[Any]) -> dict[str, str]:
    """The texts of a row that are to be written anew. Raises UndecryptableError."""
    changed = {}
    for column in kind.columns:
        text = getattr(row, column)
        if text is None:
            continue
        bound_to = kind.place(row, column)
        parts = text.split("\n") if column in kind.lines else [text]
        again = [
            part if not part or keys.is_current(part) else keys.encrypt(keys.decrypt(part, bound_to), bound_to)
            for part in parts
        ]
        if again != parts:
            changed[column] = "\n".join(again)
    return changed


def _read(connection: Connection, kind: EncryptedRows, names: Sequence[tuple[Any, ...]]) -> Sequence[Row[Any]]:
    return connection.execute(select(kind.table).where(kind.are(names))).all()


def _write(connection: Connection, kind: EncryptedRows, changes: Sequence[tuple[Row[Any], dict[str, str]]]) -> int:
    """Writes the rows that are as they were read, and that nobody locks. Returns how many those are.

    To wait for a lock could be a deadlock with those who write several rows in another order.
    """
    names = {_name(kind, row): (row, changed) for row, changed in changes}
    free = connection.execute(select(*kind.key).where(kind.are(list(names))).with_for_update(skip_locked=True)).all()
    written = 0
    for name in free:
        row, changed = names[tuple(name)]
        as_it_was = (kind.table.c[column].is_not_distinct_from(getattr(row, column)) for column in changed)
        written += connection.execute(
            update(kind.table).where(kind.are([tuple(name)]), *as_it_was).values(**changed)
        ).rowcount
    return written


def _name(kind: EncryptedRows, row: Row[Any]) -> tuple[Any, ...]:
    return tuple(getattr(row, column.name) for column in kind.key)
