"""Retention: tombstones are deleted after RETENTION_HOURS, dead letters after DEAD_RETENTION_DAYS."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Delete, and_, bindparam, delete, select

from anchorbolt.inbox.sql import REAL, this_moment, word
from anchorbolt.inbox.tables import delivery

# Small, so that no lock is held for long and no replica falls behind.
BATCH = 500


class Retention:
    """Deletes what has ended long ago, a batch a transaction."""

    def __init__(self, done_seconds: float, dead_seconds: float) -> None:
        """`done_seconds` is above 24 h: for so long Slack sends an event again, and must still find its tombstone."""
        self._done_seconds = done_seconds
        self._dead_seconds = dead_seconds
        self._delete = {state: _delete(state) for state in ("done", "dead", "cancelled")}

    def __call__(self, connection: Connection) -> int:
        """Deletes one batch of each state. How many went; when it is BATCH or more, there may be more."""
        done = connection.execute(self._delete["done"], {"age": self._done_seconds}).rowcount
        dead = connection.execute(self._delete["dead"], {"age": self._dead_seconds}).rowcount
        cancelled = connection.execute(self._delete["cancelled"], {"age": self._dead_seconds}).rowcount
        return done + dead + cancelled


def is_ended(state: str) -> ColumnElement[bool]:
    """In this state, which is not live. Both said: SQLite takes the index on what has ended only where its own
    condition is repeated, and would read every tombstone."""
    return and_(delivery.c.state == word(state), delivery.c.state != word("live"))


def _delete(state: str) -> Delete:
    old = (
        select(delivery.c.id)
        .where(is_ended(state), delivery.c.ended_at < this_moment() - bindparam("age", type_=REAL()))
        .order_by(delivery.c.ended_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return delete(delivery).where(delivery.c.id.in_(old))
