"""claim: takes lanes that nobody holds, or whose owner's lease ran out, with the oldest live delivery of each.

The order of claims: urgent events first, then the workspaces in turn (turns.py), then those that wait longest. Lanes of
urgent events are claimed beside the others, not among them: how many of them there is room for is asked apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, Connection, and_, bindparam, delete, func, null, select, union_all, update

from anchorbolt.delivery.urgent import URGENT_SIGN, is_urgent
from anchorbolt.errors import StoreUnknownError
from anchorbolt.inbox.following import Next
from anchorbolt.inbox.lease import Held, Lease
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import REAL, TEXT, now, number, this_moment, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import inbox, lane
from anchorbolt.inbox.turns import Row, Turns, several_wait

# The column of a row that says whether several workspaces wait.
SEVERAL = 4


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was claimed, the urgent first. `paused`: nothing is, because an operator said so. `more`: others wait."""

    held: list[Held]
    paused: bool = False
    more: bool = False


class Claim:
    """Claims lanes, in one transaction on either database; and gives back what a claim took whose answer was lost."""

    def __init__(self, store: Store, owner: Owner) -> None:
        self._store = store
        self._owner = owner
        # The epochs of claims whose commit may have happened, and until when a lease of theirs can last.
        self._doubtful: dict[int, float] = {}
        dialect = store.database.dialect
        self._next = Next(dialect)
        self._turns = Turns(dialect)
        self._paused = select(inbox.c.id).where(inbox.c.paused_at.is_not(None))
        self._soon = (
            select(lane.c.name)
            .where(lane.c.claimable_at <= this_moment() + bindparam("within", type_=REAL()))
            .order_by(lane.c.claimable_at)  # by the index, which without an order PostgreSQL may not think worth it
            .limit(1)
        )
        self._orphaned = update(lane).where(lane.c.owner.is_not(None)).values(claimable_at=now())
        # One statement, and so one round trip, for both: the urgent by an index of their own, the others by another.
        first_sign = func.substr(lane.c.name, number(1), number(1))
        urgent = self._claimable(first_sign == word(URGENT_SIGN), "urgent")
        others = self._claimable(first_sign != word(URGENT_SIGN), "others")
        self._free = Statement(dialect, union_all(select(*urgent.c), select(*others.c)))
        r = keyed(dialect, {"name": TEXT})
        self._take = Statement(
            dialect,
            update(lane)
            .where(lane.c.name == r.c.name)
            .values(
                owner=bindparam("me"),
                epoch=bindparam("claim"),
                claimable_at=now() + bindparam("lease", type_=REAL()),
                waits_for=null(),
            ),
        )
        self._drop = Statement(dialect, delete(lane).where(lane.c.name.in_(select(r.c.name))))
        ours = and_(lane.c.owner == bindparam("me"), lane.c.epoch.in_(bindparam("claims", expanding=True)))
        self._give_back = update(lane).where(ours).values(owner=None, claimable_at=now()).returning(lane.c.name)

    def _claimable(self, of_that_sort: ColumnElement[bool], name: str) -> CTE:
        """The lanes of that sort that may be claimed, those that wait longest first; `name` is how many at most."""
        return (
            select(lane.c.name, lane.c.owner, lane.c.cancel_id, lane.c.cancelled_by, several_wait().label("several"))
            .where(lane.c.claimable_at <= this_moment(), of_that_sort, ~self._paused.exists())
            .order_by(lane.c.claimable_at)
            .limit(bindparam(name))
            .with_for_update(skip_locked=True)
            .cte(f"{name}_lanes")
        )

    @property
    def in_doubt(self) -> bool:
        """Whether claims may have taken lanes whose answers were lost, so that nobody runs what is in them."""
        now = self._store.clock()
        return any(until > now for until in self._doubtful.values())

    async def __call__(self, most: int, urgent: int = 0) -> Claimed:
        """Claims up to `urgent` lanes of urgent events and up to `most` others, those that wait longest first.

        With 0 and 0 it takes none: it looks, and gives back what is in doubt. Raises a StoreError.
        """
        epoch, sent_at = next(self._owner.epochs), self._store.clock()
        # Given back with every claim until its lease is over: a commit may happen after its connection was given up.
        self._doubtful = {old: until for old, until in self._doubtful.items() if until > sent_at}
        doubtful = tuple(self._doubtful)

        def work(connection: Connection) -> Claimed:
            if doubtful:
                self._free_what_is_in_doubt(connection, doubtful)
            return self.in_transaction(connection, epoch, sent_at, most, urgent)

        try:
            return await self._store.transact(work)
        except StoreUnknownError:
            self._doubtful[epoch] = self._store.clock() + self._owner.lease_seconds
            raise

    def in_transaction(self, connection: Connection, epoch: int, sent_at: float, most: int, urgent: int = 0) -> Claimed:
        """The claim itself. `epoch` is a number that no other claim of this process has."""
        free = self._choose(connection, most, urgent) if most or urgent else ()
        held = self._begin(connection, free, epoch, sent_at) if free else []
        paused = not free and connection.execute(self._paused).first() is not None
        return Claimed(held, paused, more=most == 0 and self.waits(connection, 0))

    def _choose(self, connection: Connection, most: int, urgent: int) -> Sequence[Row]:
        """Locks and returns the lanes to claim: name, owner, and who cancelled which delivery."""
        free = self._free(connection, {"urgent": urgent, "others": most})
        others = [row for row in free if not is_urgent(row[0])]
        if not most or len(others) < most or not others[0][SEVERAL]:
            return free  # there is room for all that wait, or they are of one workspace
        return [row for row in free if is_urgent(row[0])] + self._turns(connection, others, most)

    def _begin(self, connection: Connection, free: Sequence[Row], epoch: int, sent_at: float) -> list[Held]:
        """Takes the lanes, as `_choose` returns them, and starts the oldest delivery of each."""
        leases = [Lease(name, epoch) for name, *_ in free]
        asked = {"rows": [{"name": lease.lane} for lease in leases]}
        self._take(connection, {**asked, "me": self._owner.name, "claim": epoch, "lease": self._owner.lease_seconds})
        held = self._next(connection, leases, {name for name, owner, *_ in free if owner is not None}, sent_at)
        cancelled = {cancel_id: by or "somebody" for _, _, cancel_id, by, *_ in free if cancel_id is not None}
        for one in held if cancelled else ():
            one.cancelled_by = cancelled.get(one.stored.id)
        if len(held) < len(leases):
            # A lane without a live delivery: only somebody who changes the tables by hand makes one.
            kept = {one.lease.lane for one in held}
            empty = [{"name": lease.lane} for lease in leases if lease.lane not in kept]
            self._drop(connection, {"rows": empty})
        return sorted(held, key=lambda one: not is_urgent(one.lease.lane))

    def waits(self, connection: Connection, within_seconds: float) -> bool:
        """Whether there is a lane that may be claimed within that time."""
        return connection.execute(self._soon, {"within": within_seconds}).first() is not None

    def forget_the_dead(self, connection: Connection) -> None:
        """Where nobody else can be alive: what a process before this one held may be claimed at once."""
        connection.execute(self._orphaned)

    def _free_what_is_in_doubt(self, connection: Connection, epochs: Sequence[int]) -> None:
        """Frees what these claims of ours took, whose answer never came: nothing of it runs, nor is it an attempt."""
        names = connection.execute(self._give_back, {"me": self._owner.name, "claims": epochs}).scalars().all()
        if names:
            self._next.uncount(connection, names)
