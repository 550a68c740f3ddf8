"""claim: takes lanes that nobody holds, or whose owner's lease ran out, with the oldest live delivery of each."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, delete, func, select, update

from anchorbolt.inbox.lease import Held, Lease, Stored
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import LARGE, REAL, TEXT, WHOLE, now, this_moment, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import delivery, inbox, lane

# The first fields of Stored, in their order.
OF_STORED = ("id", "key", "kind", "content_type", "body", "traceparent", "received_at")


class Next:
    """The oldest live delivery of some lanes, counted as an attempt before it starts."""

    def __init__(self, dialect: str) -> None:
        r = keyed(dialect, {"name": TEXT})
        # One look into the index a lane, however much waits in it: a GROUP BY would read all of that.
        one = delivery.alias("one")
        oldest = select(func.min(one.c.id)).where(one.c.state == word("live"), one.c.lane == r.c.name).scalar_subquery()
        # Before the join: within it PostgreSQL may think a walk over the deliveries less than to look it up.
        looked = select(oldest.label("id")).select_from(r).cte("looked").prefix_with("MATERIALIZED")
        columns = (delivery.c[name] for name in ("lane", "attempts", "crashes", *OF_STORED))
        self._oldest = Statement(select(*columns).join_from(looked, delivery, delivery.c.id == looked.c.id))
        r = keyed(dialect, {"id": LARGE, "cut": WHOLE})
        self._start = Statement(
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
        names = [{"name": lease.lane} for lease in leases]
        found = {
            name: (attempts, crashes, row)
            for name, attempts, crashes, *row in self._oldest(connection, {"rows": names})
        }
        held: list[Held] = []
        starts: list[dict[str, int]] = []
        for lease in leases:
            if lease.lane not in found:
                continue
            attempts, crashes, row = found[lease.lane]
            cut = int(lease.lane in taken_over and attempts > 0)
            counted = lease in repeated and attempts > 0
            stored = Stored(*(*row, attempts + (not counted), crashes + cut))
            if not counted:
                starts.append({"id": stored.id, "cut": cut})
            held.append(Held(lease, stored, sent_at, lease.lane in taken_over))
        if starts:
            self._start(connection, {"rows": starts})
        return held

    def uncount(self, connection: Connection, lanes: Sequence[str]) -> None:
        """Takes back the attempt that was counted of the oldest of each lane."""
        names = [{"name": name} for name in lanes]
        oldest = self._oldest(connection, {"rows": names})
        ids = [number for _, attempts, _, number, *_ in oldest if attempts > 0]
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
        self._free = Statement(
            select(lane.c.name, lane.c.owner)
            .where(lane.c.claimable_at <= this_moment(), ~self._paused.exists())
            .order_by(lane.c.claimable_at)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
        r = keyed(dialect, {"name": TEXT})
        self._take = Statement(
            update(lane)
            .where(lane.c.name == r.c.name)
            .values(
                owner=bindparam("me"), epoch=bindparam("claim"), claimable_at=now() + bindparam("lease", type_=REAL())
            )
        )
        self._drop = Statement(delete(lane).where(lane.c.name.in_(select(r.c.name))))
        ours = and_(lane.c.owner == bindparam("me"), lane.c.epoch.in_(bindparam("claims", expanding=True)))
        self._give_back = update(lane).where(ours).values(owner=None, claimable_at=now()).returning(lane.c.name)

    def __call__(self, connection: Connection, epoch: int, sent_at: float, most: int) -> Claimed:
        """Claims up to `most` lanes, those that wait longest first. With 0 it only looks."""
        if most == 0:
            paused = connection.execute(self._paused).first() is not None
            return Claimed([], paused, more=self.waits(connection, 0))
        free = self._free(connection, {"most": most})
        if not free:
            return Claimed([], paused=connection.execute(self._paused).first() is not None)
        leases = [Lease(name, epoch) for name, _ in free]
        names = [{"name": lease.lane} for lease in leases]
        self._take(connection, {"rows": names, "me": self._owner, "claim": epoch, "lease": self._lease_seconds})
        held = self._next(connection, leases, {name for name, owner in free if owner is not None}, sent_at)
        if len(held) < len(leases):
            # A lane without a live delivery: only a hand in the database makes one.
            kept = {one.lease.lane for one in held}
            empty = [{"name": lease.lane} for lease in leases if lease.lane not in kept]
            self._drop(connection, {"rows": empty})
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
