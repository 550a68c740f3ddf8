"""Stats: how much waits in the whole inbox, of all processes together; the metrics show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, select

from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.parking import SORTS, Parking, sort_of
from anchorbolt.inbox.retention import is_ended
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import delivery, inbox, installation, lane


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of the whole inbox. `oldest_waiting_seconds`: since when the lane that waits longest could run.

    `parked`: parked lanes, by the sort of what they wait for. `busiest_waiting_share`: of the lanes that could
    run and wait, the share of the workspace that has the most of them; 0 where few wait. `installations`: by state.
    """

    waiting: int
    oldest_waiting_seconds: float
    dead_letters: int
    paused: bool
    parked: Mapping[str, int]
    busiest_waiting_share: float
    installations: Mapping[str, int]


# Fewer lanes that wait are nobody's share of anything.
FEW = 100


class Count:
    """Counts. It reads every lane that has something pending, and the index of what has ended."""

    def __init__(self) -> None:
        runs = and_(lane.c.owner.is_not(None), lane.c.claimable_at > now())
        lanes = select(
            func.coalesce(func.sum(lane.c.pending - case((runs, 1), else_=0)), 0).label("waiting"),
            (now() - func.min(lane.c.claimable_at)).label("oldest"),
        ).subquery()
        dead = select(func.count()).select_from(delivery).where(is_ended("dead")).scalar_subquery()
        paused = select(func.count()).select_from(inbox).where(inbox.c.paused_at.is_not(None)).scalar_subquery()
        self._count = select(lanes.c.waiting, lanes.c.oldest, dead.label("dead"), paused.label("paused"))
        waits = and_(lane.c.owner.is_(None), lane.c.claimable_at <= now())
        self._of_workspaces = (
            select(func.count().label("lanes")).select_from(lane).where(waits).group_by(lane.c.workspace)
        )
        self._installations = select(installation.c.state, func.count().label("count")).group_by(installation.c.state)
        self._parking = Parking()

    def __call__(self, connection: Connection) -> Stats:
        """What there is at this moment."""
        row = connection.execute(self._count).one()
        parked = dict.fromkeys(SORTS, 0)
        for waits_for, lanes in self._parking.waiting(connection).items():
            sort = sort_of(waits_for)
            parked[sort] = parked.get(sort, 0) + lanes
        share = 0.0
        if row.waiting >= FEW:
            of_workspaces = connection.execute(self._of_workspaces).scalars().all()
            if (all_lanes := sum(of_workspaces)) >= FEW:
                share = max(of_workspaces) / all_lanes
        installations = dict.fromkeys(map(str, InstallationState), 0)  # a state that none has is counted as 0
        installations |= {state: count for state, count in connection.execute(self._installations)}  # noqa: C416 - rows
        return Stats(
            int(row.waiting), max(0.0, row.oldest or 0.0), row.dead, row.paused > 0, parked, share, installations
        )
