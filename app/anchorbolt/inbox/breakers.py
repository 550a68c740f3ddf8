"""Circuit breakers that pods share: listeners that wait because something that they need is down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from anchorbolt.inbox.parking import BREAKER, Parking
from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import breaker


@dataclass(frozen=True, slots=True)
class Open:
    """An open breaker. `seconds`: since when. `probe_in_seconds`: when the next probe may begin."""

    listener: str
    reason: str
    seconds: float
    probe_in_seconds: float


def waits_for(listener: str) -> str:
    """What the lanes of an open breaker wait for (parking.py)."""
    return f"{BREAKER}:{listener}"


class Breakers:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def read(self, connection: Connection) -> list[Open]:
        """Returns the breakers that are open."""
        wanted = select(
            breaker, (now() - breaker.c.opened_at).label("seconds"), (breaker.c.probe_at - now()).label("probe_in")
        )
        return [Open(row.name, row.reason, row.seconds, row.probe_in) for row in connection.execute(wanted)]

    def open(self, connection: Connection, listener: str, reason: str, probe_in_seconds: float) -> bool:
        """Opens the breaker of a `listener` for all processes. Returns whether it was closed.

        `reason`: what its runs failed of. `probe_in_seconds`: when the first delivery may be tried.
        """
        into = insert(self._dialect, breaker).values(
            name=listener, opened_at=now(), reason=reason, probe_at=now() + probe_in_seconds, updated_at=now()
        )
        return connection.execute(into.on_conflict_do_nothing()).rowcount > 0

    def take_probe(self, connection: Connection, listener: str, owner: str, next_in_seconds: float) -> bool:
        """Takes the probe, if it is time for one and no other process has taken it. The next one may begin after that.

        `next_in_seconds`: after which another probe may begin, should this one not end.
        """
        due = update(breaker).where(breaker.c.name == listener, breaker.c.probe_at <= now())
        taken = due.values(probe_at=now() + next_in_seconds, probed_by=owner, updated_at=now())
        return connection.execute(taken).rowcount > 0

    def close(self, connection: Connection, listener: str) -> bool:
        """Closes a breaker, and lets its lanes be claimed at once. Returns whether it was open."""
        was_open = connection.execute(delete(breaker).where(breaker.c.name == listener)).rowcount > 0
        Parking().wake(connection, waits_for(listener))
        return was_open
