"""What goes, and when: tombstones after RETENTION_HOURS, dead letters after DEAD_RETENTION_DAYS."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select

from app.inbox.sql import REAL, this_moment
from app.inbox.tables import delivery

# Small, so that no lock is held for long and no replica falls behind.
BATCH = 500


class Retention:
    """Deletes what has ended long ago, a batch a transaction."""

    def __init__(self, done_seconds: float, dead_seconds: float) -> None:
        """Done for longer than 24 h, or a delayed event of Slack's would run again."""
        self._done_seconds = done_seconds
        self._dead_seconds = dead_seconds
        old = (
            select(delivery.c.id)
            .where(
                delivery.c.state == bindparam("state_of"),
                delivery.c.ended_at < this_moment() - bindparam("age", type_=REAL()),
            )
            .order_by(delivery.c.ended_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        self._delete = delete(delivery).where(delivery.c.id.in_(old))

    def __call__(self, connection: Connection) -> int:
        """Deletes one batch of each state. How many went; when it is BATCH or more, there may be more."""
        done = connection.execute(self._delete, {"state_of": "done", "age": self._done_seconds}).rowcount
        dead = connection.execute(self._delete, {"state_of": "dead", "age": self._dead_seconds}).rowcount
        return done + dead
