"""complete on PostgreSQL: one statement that is a transaction of its own, and so one round trip a group.

What the statement does not do of a group it leaves as it was, and a transaction (inbox/complete.py) does it: a lease
that was lost, an end that is written already, a lane whose next delivery came while the statement waited for it and is
not in its snapshot, all that is in doubt, and anything behind a pooler (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, and_, bindparam, case, delete, func, not_, null, or_, select, update

from anchorbolt.inbox.complete import STATES, Complete, Completed, what_an_end_writes
from anchorbolt.inbox.following import OF_STORED
from anchorbolt.inbox.lease import NO_ATTEMPT, Held, Outcome, Stored
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import rows
from anchorbolt.inbox.sql import LARGE, POSTGRESQL, REAL, TEXT, WHOLE, now, number, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery, lane

# `final`: the delivery is over. `keep`: its lane goes on here. `back`: the attempt does not count.
COLUMNS = {
    "n": WHOLE,
    "name": TEXT,
    "epoch": LARGE,
    "id": LARGE,
    "state": TEXT,
    "error": TEXT,
    "final": WHOLE,
    "keep": WHOLE,
    "back": WHOLE,
    "delay": REAL,
    "waits_for": TEXT,
    "listener": TEXT,
    "record": TEXT,
}


class PostgresqlComplete(Complete):
    """Writes how groups of runs ended, each group in one statement where that can be."""

    def __init__(self, store: Store, owner: Owner) -> None:
        super().__init__(store, owner)
        written = _write(_look_behind(_lock_held()))
        of_lane = lane.c.name == written.c.name
        removed = delete(lane).where(of_lane, written.c.empties).cte("removed")
        changed = (
            update(lane)
            .where(of_lane, not_(written.c.empties))
            .values(
                pending=lane.c.pending - written.c.final,
                owner=case((written.c.keep == number(1), lane.c.owner)),
                claimable_at=now() + written.c.delay,
                waits_for=written.c.waits_for,
                cancel_id=case((written.c.final == number(1), null()), else_=lane.c.cancel_id),
            )
            .cte("changed")
        )
        begun = (
            update(delivery)
            .where(delivery.c.id == written.c.following)
            .values(attempts=delivery.c.attempts + number(1), started_at=now())
            .returning(*(delivery.c[name] for name in (*OF_STORED, "attempts", "crashes", "listener")))
            .cte("begun")
        )
        self.statement = Statement(
            POSTGRESQL,
            select(written.c.n, written.c.empties, *begun.c)
            .select_from(written.outerjoin(begun, begun.c.id == written.c.following))
            .add_cte(removed, changed),
        )

    async def _write(self, sent_at: float, outcomes: Sequence[Outcome], *, in_doubt: bool) -> None:
        left = self._unwritten(outcomes)
        if left and self._store.up and not in_doubt:
            written = await self._store.ask(self.in_one_statement(sent_at, left))
            self._written.update((id(left[n]), completed) for n, completed in written.items())
        await super()._write(sent_at, outcomes, in_doubt=in_doubt)

    async def in_one_statement(self, sent_at: float, outcomes: Sequence[Outcome]) -> dict[int, Completed]:
        """Writes the outcomes that it can, each of them whole or not at all.

        Returns what became of those that it wrote, by their place in `outcomes`. Raises StoreUnavailableError when
        nothing was sent, and StoreUnknownError when no answer came.
        """
        found = await self._store.database.execute(self.statement, self.parameters(outcomes))
        completed: dict[int, Completed] = {}
        for n, empties, id_, *of_stored in found or ():
            following = Held(outcomes[n].lease, Stored(id_, *of_stored), sent_at) if id_ is not None else None
            completed[n] = Completed(written=True, following=following, freed=following is None and not empties)
        return completed

    def parameters(self, outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
        """What the statement is sent with."""
        asked = []
        for n, outcome in enumerate(outcomes):
            state = STATES.get(outcome.end, "live")
            keep = outcome.go_on and state != "live"
            asked.append(
                {
                    "n": n,
                    "name": outcome.lease.lane,
                    "epoch": outcome.lease.epoch,
                    "id": outcome.id,
                    "state": state,
                    "error": outcome.error,
                    "final": int(state != "live"),
                    "keep": int(keep),
                    "back": int(outcome.end in NO_ATTEMPT),
                    "delay": self._owner.lease_seconds if keep else outcome.delay_seconds,
                    "waits_for": outcome.waits_for,
                    "listener": outcome.listener,
                    "record": outcome.record,
                }
            )
        return {"rows": asked, "owner": self._owner.name}


def _lock_held() -> CTE:
    """The fence (fence.py): the outcomes whose leases are still ours, their lanes locked in the one order."""
    r = rows(POSTGRESQL, COLUMNS)
    return (
        select(*r.c, lane.c.pending)
        .join_from(r, lane, lane.c.name == r.c.name)
        .where(lane.c.owner == bindparam("owner", type_=TEXT()), lane.c.epoch == r.c.epoch)
        .order_by(lane.c.name)
        .with_for_update(of=lane)
        .cte("held")
    )


def _look_behind(held: CTE) -> CTE:
    """`empties`: nothing is behind it. `following`: what is, where its lane goes on here and the snapshot has it."""
    behind = delivery.alias("behind")
    oldest = (
        select(func.min(behind.c.id))
        .where(behind.c.state == word("live"), behind.c.lane == held.c.name, behind.c.id != held.c.id)
        .scalar_subquery()
    )
    empties = and_(held.c.final == number(1), held.c.pending == number(1))
    goes_on = and_(held.c.keep == number(1), held.c.pending > number(1))
    live = word("live").label("live")
    looked = select(*held.c, live, empties.label("empties"), case((goes_on, oldest)).label("following"))
    return looked.cte("looked").prefix_with("MATERIALIZED")


def _write(looked: CTE) -> CTE:
    """Writes the ends. What was written already is not live: its lane is not for us to count down once more."""
    # Not the word itself: PostgreSQL might take the index of all that is live, and walk through whatever waits.
    is_live = delivery.c.state == looked.c.live
    is_known = or_(looked.c.empties, looked.c.keep == number(0), looked.c.following.is_not(None))
    return (
        update(delivery)
        .where(delivery.c.id == looked.c.id, is_live, is_known)
        .values(**what_an_end_writes(looked, looked.c.final == number(1)))
        .returning(
            *(looked.c[name] for name in ("n", "name", "empties", "following", "final", "keep", "delay", "waits_for"))
        )
        .cte("written")
    )
