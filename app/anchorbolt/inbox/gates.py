"""Rate gates that pods share: which methods of the Web API Slack has limited, for which workspace, until when."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import gate

# A row of a gate that opened so long ago is deleted.
FORGET_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SharedGate:
    """One method for one workspace, or "". `seconds`: until it opens."""

    method: str
    workspace: str
    seconds: float
    apart_seconds: float


class SharedGates:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def read(self, connection: Connection) -> list[SharedGate]:
        """Returns the gates that are shut."""
        shut = select(gate, (gate.c.opens_at - now()).label("seconds")).where(gate.c.opens_at > now())
        return [
            SharedGate(row.method, row.workspace, row.seconds, row.apart_seconds) for row in connection.execute(shut)
        ]

    def shut(self, connection: Connection, found: SharedGate) -> None:
        """Writes that a gate is shut, and forgets those that opened long ago."""
        connection.execute(delete(gate).where(gate.c.opens_at < now() - FORGET_SECONDS))
        into = insert(self._dialect, gate).values(
            method=found.method,
            workspace=found.workspace,
            opens_at=now() + found.seconds,
            apart_seconds=found.apart_seconds,
            updated_at=now(),
        )
        connection.execute(
            into.on_conflict_do_update(
                index_elements=[gate.c.method, gate.c.workspace],
                set_={name: into.excluded[name] for name in ("opens_at", "apart_seconds", "updated_at")},
            )
        )
