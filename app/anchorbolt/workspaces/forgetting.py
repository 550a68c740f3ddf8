"""Forgets a workspace: deletes what is stored of it, in bounded batches, and leaves what runs at this moment to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, null, select, update

from anchorbolt.inbox.pauses import Pauses
from anchorbolt.inbox.sql import now, word
from anchorbolt.inbox.tables import delivery, gate, lane

# How many ids a batch looks at: so few that no lock is held for long.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Running:
    """A delivery that runs now. `owner`: the process that runs it."""

    id: int
    key: str
    owner: str


@dataclass(slots=True)
class Forgot:
    """What was deleted of deliveries: those that had ended, and those that waited; and what runs."""

    ended: int = 0
    waiting: int = 0
    running: list[Running] = field(default_factory=list)


class Forgetting:
    """The statements, for the dialect of one database. Each method is to be called in a transaction."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def ids(self, connection: Connection) -> tuple[int, int]:
        """Returns the lowest and the highest id of a delivery; 0 and 0 where there is none."""
        low, high = connection.execute(select(func.min(delivery.c.id), func.max(delivery.c.id))).one()
        return low or 0, high or 0

    def delete_between(self, connection: Connection, workspace: str, first: int, last: int) -> Forgot:
        """Deletes the deliveries of a workspace among these ids, `last` included; what runs is returned."""
        return self._delete(connection, and_(delivery.c.workspace == workspace, delivery.c.id.between(first, last)))

    def delete_these(self, connection: Connection, ids: Collection[int]) -> Forgot:
        """Deletes these deliveries; what still runs is returned."""
        return self._delete(connection, delivery.c.id.in_(ids))

    def delete_gates_and_pause(self, connection: Connection, workspace: str) -> tuple[int, int]:
        """Deletes the gates and the pause of a workspace. Returns how many there were of each."""
        gates = connection.execute(delete(gate).where(gate.c.workspace == workspace)).rowcount
        return gates, int(Pauses(self._dialect).resume(connection, "workspace", workspace))

    def _delete(self, connection: Connection, of_it: ColumnElement[bool]) -> Forgot:
        # Those that have ended first, then lanes, then what is live: the order in which everybody locks them.
        live = and_(of_it, delivery.c.state == word("live"))
        ended = connection.execute(delete(delivery).where(of_it, delivery.c.state != word("live"))).rowcount
        names = sorted(set(connection.execute(select(delivery.c.lane).where(live)).scalars()))
        if not names:
            return Forgot(ended)
        held = self._lock(connection, names)
        # Read after the lanes are locked: while we waited for them, a delivery may have ended.
        found = connection.execute(select(delivery.c.id, delivery.c.key, delivery.c.lane).where(live)).all()
        heads = self._heads(connection, names)
        running = [Running(row.id, row.key, held[row.lane]) for row in found if row.lane in held and row.id in heads]
        kept = {one.id for one in running}
        doomed = [row for row in found if row.id not in kept]
        connection.execute(delete(delivery).where(delivery.c.id.in_([row.id for row in doomed])))
        self._shorten(connection, doomed, heads)
        return Forgot(ended, len(doomed), running)

    def _lock(self, connection: Connection, names: Sequence[str]) -> dict[str, str]:
        """Locks lanes, in their order. Returns the owners of those that somebody holds, by their names."""
        lanes = (
            select(lane.c.name, lane.c.owner, (lane.c.claimable_at > now()).label("leased"))
            .where(lane.c.name.in_(names))
            .order_by(lane.c.name)
            .with_for_update()
        )
        # A lease that ran out is nobody's: the fence keeps out what its owner would write.
        return {row.name: row.owner for row in connection.execute(lanes) if row.owner is not None and row.leased}

    def _heads(self, connection: Connection, names: Sequence[str]) -> set[int]:
        oldest = select(func.min(delivery.c.id)).where(delivery.c.state == word("live"), delivery.c.lane.in_(names))
        return set(connection.execute(oldest.group_by(delivery.c.lane)).scalars())

    def _shorten(self, connection: Connection, doomed: Sequence[Any], heads: Collection[int]) -> None:
        """Counts lanes down; one whose head is gone can go on at once. An empty one is deleted."""
        less = Counter(row.lane for row in doomed)
        beheaded = {row.lane for row in doomed if row.id in heads}
        alike: dict[tuple[int, bool], list[str]] = {}
        for name, n in less.items():
            alike.setdefault((n, name in beheaded), []).append(name)
        for (n, is_beheaded), names in alike.items():
            values: dict[str, Any] = {"pending": lane.c.pending - n}
            if is_beheaded:
                values |= {"claimable_at": now(), "owner": null(), "waits_for": null()}
            ids = [row.id for row in doomed if row.lane in names]
            values["cancel_id"] = case((lane.c.cancel_id.in_(ids), null()), else_=lane.c.cancel_id)
            connection.execute(update(lane).where(lane.c.name.in_(names)).values(**values))
        connection.execute(delete(lane).where(lane.c.name.in_(list(less)), lane.c.pending <= 0))
