"""claim: takes lanes that nobody holds, or whose owner's lease ran out, with the oldest live delivery of each."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, and_, bindparam, delete, func, select, update

from app.inbox.lease import Held, Lease, Stored
from app.inbox.sql import LARGE, REAL, TEXT, WHOLE, now, rows, this_moment, word
from app.inbox.tables import delivery, inbox, lane


class Next:
    """The oldest live delivery of some lanes, counted as an attempt before it starts."""

    def __init__(self, dialect: str) -> None:
        r = rows(dialect, {"name": TEXT})
        # One look into the index a lane, however much waits in it: a GROUP BY would read all of that.
        one = delivery.alias("one")
        oldest = select(func.min(one.c.id)).where(one.c.state == word("live"), one.c.lane == r.c.name).scalar_subquery()
        self._oldest: Select[Any] = select(delivery).where(delivery.c.id.in_(select(oldest).select_from(r)))
        r = rows(dialect, {"id": LARGE, "cut": WHOLE})
        self._start = (
            update(delivery)
            .where(delivery.c.id == r.c.id)
            .values(attempts=delivery.c.attempts + 1, crashes=delivery.c.crashes + r.c.cut)
        )

    def __call__(
        self,
        connection: Connection,
        leases: Sequence[Lease],
        taken_over: set[str],
        sent_at: float,
        repeated: Container[Lease] = (),
    ) -> list[Held]:
        """Starts the next delivery of each leased lane. In `taken_over` lanes, a run before this one was cut short.

        `repeated`: a commit before, whose outcome was unknown, may have counted the attempt that begins now.
        """
        names = orjson.dumps([{"name": lease.lane} for lease in leases]).decode()
        found: dict[str, Row[Any]] = {row.lane: row for row in connection.execute(self._oldest, {"rows": names})}
        held: list[Held] = []
        starts: list[dict[str, int]] = []
        for lease in leases:
            row = found.get(lease.lane)
            if row is None:
                continue
            cut = int(lease.lane in taken_over and row.attempts > 0)
            counted = lease in repeated and row.attempts > 0
            if not counted:
                starts.append({"id": row.id, "cut": cut})
            stored = Stored(
                row.id,
                row.key,
                row.kind,
                row.content_type,
                row.body,
                row.traceparent,
                row.received_at,
                row.attempts + (not counted),
                row.crashes + cut,
            )
            held.append(Held(lease, stored, sent_at, lease.lane in taken_over))
        if starts:
            connection.execute(self._start, {"rows": orjson.dumps(starts).decode()})
        return held

    def uncount(self, connection: Connection, lanes: Sequence[str]) -> None:
        """Takes back the attempt that was counted of the oldest of each lane."""
        names = orjson.dumps([{"name": name} for name in lanes]).decode()
        ids = [row.id for row in connection.execute(self._oldest, {"rows": names}) if row.attempts > 0]
        connection.execute(update(delivery).where(delivery.c.id.in_(ids)).values(attempts=delivery.c.attempts - 1))


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was claimed. `paused`: nothing is, because an operator said so. `more`: others wait."""

    held: list[Held]
    paused: bool = False
    more: bool = False


class Claim:
    """The statements of claim for one dialect."""

    def __init__(self, dialect: str, owner: str, lease_seconds: float, following: Next) -> None:
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._next = following
        self._paused = select(inbox.c.id).where(inbox.c.paused_at.is_not(None))
        self._soon = (
            select(lane.c.name)
            .where(lane.c.claimable_at <= this_moment() + bindparam("within", type_=REAL()))
            .order_by(lane.c.claimable_at)  # by the index, which without an order PostgreSQL may not think worth it
            .limit(1)
        )
        self._orphaned = update(lane).where(lane.c.owner.is_not(None)).values(claimable_at=now())
        self._free = (
            select(lane.c.name, lane.c.owner)
            .where(lane.c.claimable_at <= this_moment(), ~self._paused.exists())
            .order_by(lane.c.claimable_at)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
        r = rows(dialect, {"name": TEXT})
        self._take = (
            update(lane)
            .where(lane.c.name == r.c.name)
            .values(
                owner=bindparam("me"), epoch=bindparam("claim"), claimable_at=now() + bindparam("lease", type_=REAL())
            )
        )
        self._drop = delete(lane).where(lane.c.name.in_(select(r.c.name)))
        ours = and_(lane.c.owner == bindparam("me"), lane.c.epoch.in_(bindparam("claims", expanding=True)))
        self._give_back = update(lane).where(ours).values(owner=None, claimable_at=now()).returning(lane.c.name)

    def __call__(self, connection: Connection, epoch: int, sent_at: float, most: int) -> Claimed:
        """Claims up to `most` lanes, those that wait longest first. With 0 it only looks."""
        if most == 0:
            paused = connection.execute(self._paused).first() is not None
            return Claimed([], paused, more=self.waits(connection, 0))
        free = connection.execute(self._free, {"most": most}).all()
        if not free:
            return Claimed([], paused=connection.execute(self._paused).first() is not None)
        leases = [Lease(name, epoch) for name, _ in free]
        names = orjson.dumps([{"name": lease.lane} for lease in leases]).decode()
        connection.execute(self._take, {"rows": names, "me": self._owner, "claim": epoch, "lease": self._lease_seconds})
        held = self._next(connection, leases, {name for name, owner in free if owner is not None}, sent_at)
        if len(held) < len(leases):
            # A lane without a live delivery: only a hand in the database makes one.
            kept = {one.lease.lane for one in held}
            empty = [{"name": lease.lane} for lease in leases if lease.lane not in kept]
            connection.execute(self._drop, {"rows": orjson.dumps(empty).decode()})
        return Claimed(held)

    def give_back(self, connection: Connection, epochs: Sequence[int]) -> None:
        """Frees what these claims of ours took, whose answer never came: nothing of it runs, nor is it an attempt."""
        names = connection.execute(self._give_back, {"me": self._owner, "claims": epochs}).scalars().all()
        if names:
            self._next.uncount(connection, names)

    def waits(self, connection: Connection, within_seconds: float) -> bool:
        """Whether there is a lane that may be claimed within that time."""
        return connection.execute(self._soon, {"within": within_seconds}).first() is not None

    def forget_the_dead(self, connection: Connection) -> None:
        """Where nobody else can be alive: what a process before this one held may be claimed at once."""
        connection.execute(self._orphaned)
