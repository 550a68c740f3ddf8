"""Regions that an operator has drained: their tiers tell the global balancer to send nothing there.

A row of the table `pause` with a scope of its own: versions that know nothing of regions pause nothing by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, select

from anchorbolt.inbox.database import Wake
from anchorbolt.inbox.notify import notify
from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import pause

SCOPE = "region"


@dataclass(frozen=True, slots=True)
class Drained:
    """A region that is drained by hand. `seconds`: since when."""

    region: str
    by: str
    seconds: float


class Regions:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def read(self, connection: Connection) -> list[Drained]:
        """Returns the regions that are drained, by their names."""
        wanted = select(pause.c.name, pause.c.paused_by, (now() - pause.c.paused_at).label("seconds"))
        found = connection.execute(wanted.where(pause.c.scope == SCOPE).order_by(pause.c.name))
        return [Drained(name, by, seconds) for name, by, seconds in found]

    def drain(self, connection: Connection, region: str, by: str) -> bool:
        """Drains a region; returns whether it was not drained yet. `by`: who does it; the first one is kept."""
        into = insert(self._dialect, pause).values(scope=SCOPE, name=region, paused_by=by, paused_at=now())
        changed = connection.execute(into.on_conflict_do_nothing()).rowcount > 0
        notify(connection, Wake.HOLDS)
        return changed

    def undrain(self, connection: Connection, region: str) -> bool:
        """Lets a region have traffic again. Returns whether it was drained."""
        changed = connection.execute(delete(pause).where(and_(pause.c.scope == SCOPE, pause.c.name == region))).rowcount
        notify(connection, Wake.HOLDS)
        return changed > 0
