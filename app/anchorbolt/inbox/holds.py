"""Holds: which listeners keep dying of the same error, in all processes of one version of the app together.

A row counts the deliveries of one listener that died one after the other of the same error. From MOST_DEATHS on the
listener is held: what comes for it waits (worker/holding.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, delete, select

from anchorbolt.inbox.parking import HOLD, Parking
from anchorbolt.inbox.sql import insert, now
from anchorbolt.inbox.tables import hold

MOST_DEATHS = 3
# A row of another version of the app is forgotten after that time: that version is not run any more.
FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Hold:
    """A listener whose deliveries died. `held_seconds`: for how long it is held; None while it is not."""

    listener: str
    version: str
    fingerprint: str
    deaths: int
    held_seconds: float | None


def waits_for(listener: str) -> str:
    """What the lanes of a held listener wait for (parking.py)."""
    return f"{HOLD}:{listener}"


class Holds:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def died(self, connection: Connection, listener: str, version: str, fingerprint: str) -> int:
        """Counts a dead letter of a `listener`, in a `version` of the app, that died of the error with a `fingerprint`.

        Returns how many there were in a row, with this one, of the same error.
        """
        old = and_(hold.c.version != version, hold.c.updated_at < now() - FORGET_SECONDS)
        connection.execute(delete(hold).where(old))
        into = insert(self._dialect, hold).values(
            listener=listener, version=version, fingerprint=fingerprint, deaths=1, held_at=None, updated_at=now()
        )
        is_same = hold.c.fingerprint == into.excluded.fingerprint
        holds_now = and_(hold.c.held_at.is_(None), is_same, hold.c.deaths + 1 >= MOST_DEATHS)
        counted = into.on_conflict_do_update(
            index_elements=[hold.c.listener, hold.c.version],
            set_={
                "fingerprint": into.excluded.fingerprint,
                "deaths": case((is_same, hold.c.deaths + 1), else_=1),
                "held_at": case((holds_now, now()), else_=hold.c.held_at),
                "updated_at": now(),
            },
        ).returning(hold.c.deaths)
        deaths: int = connection.execute(counted).scalar_one()
        return deaths

    def succeeded(self, connection: Connection, listener: str, version: str) -> None:
        """Forgets the count of a listener that is not held: one of its deliveries ended well.

        `listener`: its name. `version`: that of the app in this process; each version has counts of its own.
        """
        of_it = and_(hold.c.listener == listener, hold.c.version == version, hold.c.held_at.is_(None))
        connection.execute(delete(hold).where(of_it))

    def read(self, connection: Connection, version: str | None = None) -> list[Hold]:
        """Returns the rows of one version, or of all versions, by the names of the listeners."""
        wanted = select(hold, (now() - hold.c.held_at).label("seconds")).order_by(hold.c.listener, hold.c.version)
        if version is not None:
            wanted = wanted.where(hold.c.version == version)
        return [
            Hold(row.listener, row.version, row.fingerprint, row.deaths, row.seconds)
            for row in connection.execute(wanted)
        ]

    def release(self, connection: Connection, listener: str) -> bool:
        """Lets a listener go on, in all versions, and its lanes be claimed at once. Returns whether it was held."""
        held = (
            connection.execute(delete(hold).where(hold.c.listener == listener).returning(hold.c.held_at))
            .scalars()
            .all()
        )
        Parking().wake(connection, waits_for(listener))
        return any(at is not None for at in held)
