"""What the whole inbox holds at this moment, for whoever watches it from outside."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, select

from anchorbolt.inbox.retention import is_ended
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import delivery, inbox, lane


@dataclass(frozen=True, slots=True)
class Census:
    """Of all pods together. `oldest_waiting_seconds`: how long the lane that waits longest could have run already."""

    waiting: int
    oldest_waiting_seconds: float
    dead_letters: int
    paused: bool


class Count:
    """The statement. It reads every lane that has something pending, and the index of what has ended."""

    def __init__(self) -> None:
        runs = and_(lane.c.owner.is_not(None), lane.c.claimable_at > now())
        lanes = select(
            func.coalesce(func.sum(lane.c.pending - case((runs, 1), else_=0)), 0).label("waiting"),
            (now() - func.min(lane.c.claimable_at)).label("oldest"),
        ).subquery()
        dead = select(func.count()).select_from(delivery).where(is_ended("dead")).scalar_subquery()
        paused = select(func.count()).select_from(inbox).where(inbox.c.paused_at.is_not(None)).scalar_subquery()
        self._count = select(lanes.c.waiting, lanes.c.oldest, dead.label("dead"), paused.label("paused"))

    def __call__(self, connection: Connection) -> Census:
        """Of this moment."""
        row = connection.execute(self._count).one()
        return Census(int(row.waiting), max(0.0, row.oldest or 0.0), row.dead, row.paused > 0)
