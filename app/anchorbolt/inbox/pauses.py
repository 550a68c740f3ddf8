"""Pauses: what operators keep from running: one listener, one kind, one workspace or one conversation, in all pods.

A pause of everything is in the table `inbox`, where processes of older versions look too (admin.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, select

from anchorbolt.inbox.parking import PAUSE, Parking
from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import delivery, pause

SCOPES = ("listener", "kind", "workspace", "conversation")


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. `seconds`: since when."""

    scope: str
    name: str
    paused_by: str
    seconds: float


def waits_for(scope: str, name: str) -> str:
    """What the lanes of a pause wait for (parking.py)."""
    return f"{PAUSE}:{scope}:{name}"


class Pauses:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def read(self, connection: Connection) -> list[Pause]:
        """Returns all pauses, the oldest first."""
        wanted = select(pause, (now() - pause.c.paused_at).label("seconds")).order_by(pause.c.paused_at)
        wanted = wanted.where(pause.c.scope.in_(SCOPES))  # regions.py has rows of its own
        return [Pause(row.scope, row.name, row.paused_by, row.seconds) for row in connection.execute(wanted)]

    def knows(self, connection: Connection, scope: str, name: str) -> bool:
        """Returns whether a delivery that is kept with its body is of that listener, say. `scope`, `name`: as below."""
        kept = delivery.c.state.in_(["live", "dead", "cancelled"])
        named = select(delivery.c.id).where(kept, delivery.c[scope] == name).limit(1)
        return connection.execute(named).first() is not None

    def pause(self, connection: Connection, scope: str, name: str, paused_by: str) -> bool:
        """Pauses a listener, say. Returns whether it was not paused yet.

        `scope`: what is paused, such as listener. `name`: which one. `paused_by`: who said so; of a second pause the
        first name is kept.
        """
        into = insert(self._dialect, pause).values(scope=scope, name=name, paused_by=paused_by, paused_at=now())
        return connection.execute(into.on_conflict_do_nothing()).rowcount > 0

    def resume(self, connection: Connection, scope: str, name: str) -> bool:
        """Ends the pause of `scope` and `name`, and lets its lanes be claimed. Returns whether there was one."""
        was_paused = connection.execute(
            delete(pause).where(and_(pause.c.scope == scope, pause.c.name == name))
        ).rowcount
        Parking().wake(connection, waits_for(scope, name))
        return was_paused > 0
