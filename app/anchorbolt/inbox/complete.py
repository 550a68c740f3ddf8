"""complete: writes how runs ended, behind the fence.

Here is what an end writes, and the transaction that writes a group of ends. SQLite writes the usual end in
another way (sqlite/complete.py); PostgreSQL does most groups in one statement (postgresql/complete.py), and leaves the
others to this transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, delete, func, null, or_, select, update

from anchorbolt.inbox.fence import Fence
from anchorbolt.inbox.following import Next
from anchorbolt.inbox.lease import NO_ATTEMPT, End, Held, Lease, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import LARGE, REAL, TEXT, WHOLE, now, number, word
from anchorbolt.inbox.standby import wait_for_standby
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery, lane

# What is left of a delivery whose end is final.
STATES = {End.DONE: "done", End.DEAD: "dead", End.CANCELLED: "cancelled"}
# A history that is longer is begun anew: hand-backs have no bound, and each is a line.
MOST_HISTORY = 64_000


def what_an_end_writes(of: FromClause, is_final: ColumnElement[bool]) -> dict[str, Any]:
    """The columns of a delivery, from rows that have `state`, `error`, `listener`, `record` and `back`.

    `back`: the attempt does not count.
    """
    is_done = of.c.state == word("done")
    before = case((func.length(delivery.c.history) < number(MOST_HISTORY), delivery.c.history), else_=word(""))
    return {
        "state": of.c.state,
        "body": case((is_done, None), else_=delivery.c.body),
        "headers": case((is_done, None), else_=delivery.c.headers),
        "history": case((is_done, None), (of.c.record.is_(None), delivery.c.history), else_=before + of.c.record),
        "listener": func.coalesce(of.c.listener, delivery.c.listener),
        "error": case((of.c.back == number(1), func.coalesce(of.c.error, delivery.c.error)), else_=of.c.error),
        "attempts": delivery.c.attempts - of.c.back,
        "ended_at": case((is_final, now())),
    }


@dataclass(slots=True)
class Completed:
    """`written`: the lease was still ours, or had been when a commit in doubt wrote this end.

    `following`: the lane's next delivery, ours to run now.
    """

    written: bool
    following: Held | None = None
    freed: bool = False  # the lane waits for whoever claims it


class Complete:
    """Writes how groups of runs ended, each group in one transaction. What is written again counts once."""

    def __init__(self, store: Store, owner: Owner) -> None:
        self._store = store
        self._owner = owner
        # What was written of a group before the rest of it failed: nothing of that is in doubt. By identity, for the
        # group holds its outcomes until all are written.
        self._written: dict[int, Completed] = {}
        dialect = store.database.dialect
        self._fence = Fence(dialect, owner.name)
        self._next = Next(dialect)
        r = keyed(
            dialect,
            {
                "id": LARGE,
                "live": TEXT,
                "state": TEXT,
                "error": TEXT,
                "back": WHOLE,
                "listener": TEXT,
                "record": TEXT,
            },
        )
        ends = r.c.state != r.c.live
        # That it is live is compared with a column. For the word itself PostgreSQL might take the index of all that is
        # live, and walk through it; and a parameter, with such an index there, SQLite plans anew whenever it is bound.
        self._end = Statement(
            dialect,
            update(delivery)
            .where(delivery.c.id == r.c.id, delivery.c.state == r.c.live)
            .values(**what_an_end_writes(r, ends))
            .returning(delivery.c.id),
        )
        r = keyed(dialect, {"id": LARGE, "n": WHOLE, "state": TEXT, "attempt": WHOLE, "record": TEXT})
        # Whoever takes a lane over counts one more attempt before it runs. (A replay by hand counts from the start.)
        is_over = and_(delivery.c.state == r.c.state, delivery.c.attempts == r.c.attempt)
        # An end that is not final has left its line in the history, and no other end has the same.
        is_recorded = func.replace(delivery.c.history, r.c.record, word("")) != delivery.c.history
        ours = and_(delivery.c.id == r.c.id, or_(is_over, is_recorded))
        self._was_written = Statement(dialect, select(r.c.n).join_from(r, delivery, ours))
        r = keyed(dialect, {"name": TEXT})
        self._remove = Statement(dialect, delete(lane).where(lane.c.name.in_(select(r.c.name))))
        r = keyed(dialect, {"name": TEXT, "ended": WHOLE, "keep": WHOLE, "delay": REAL, "waits_for": TEXT})
        self._update = Statement(
            dialect,
            update(lane)
            .where(lane.c.name == r.c.name)
            .values(
                pending=lane.c.pending - r.c.ended,
                owner=case((r.c.keep == 1, lane.c.owner)),
                claimable_at=now() + r.c.delay,
                waits_for=r.c.waits_for,
                # What is final is not the head any more; else whoever claims the lane next has to cancel it.
                cancel_id=case((r.c.ended == number(1), null()), else_=lane.c.cancel_id),
            ),
        )

    async def __call__(self, outcomes: Sequence[Outcome], *, in_doubt: bool) -> Sequence[Completed]:
        """Writes a group; one answer an outcome. Raises a StoreError.

        `in_doubt`: a commit before, whose outcome is unknown, held these outcomes and perhaps others.
        """
        await self._write(self._store.clock(), outcomes, in_doubt=in_doubt)
        return [self._written.pop(id(outcome)) for outcome in outcomes]

    async def _write(self, sent_at: float, outcomes: Sequence[Outcome], *, in_doubt: bool) -> None:
        """Writes what is not written yet."""
        if left := self._unwritten(outcomes):
            answers = await self._store.transact(
                lambda connection: self.in_transaction(connection, sent_at, left, in_doubt=in_doubt)
            )
            self._written.update(zip(map(id, left), answers, strict=True))

    def _unwritten(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        return [outcome for outcome in outcomes if id(outcome) not in self._written]

    def in_transaction(
        self, connection: Connection, sent_at: float, outcomes: Sequence[Outcome], *, in_doubt: bool = False
    ) -> list[Completed]:
        """Writes the outcomes of runs in lanes that are still ours. One answer an outcome.

        `in_doubt`: a commit before, whose outcome was unknown, may have written them, and let go of their lanes.
        """
        pending = self._fence(connection, [outcome.lease for outcome in outcomes])
        # By lease, not by lane: an old claim of ours and the new one may meet in a group.
        written = [outcome for outcome in outcomes if outcome.lease in pending]
        before: dict[int, Completed] = {}
        if in_doubt and len(written) < len(outcomes):
            refused = [n for n, outcome in enumerate(outcomes) if outcome.lease not in pending]
            before = self._written_before(connection, outcomes, refused)
        if not written:
            if before:  # a recorded end must not be lost either when the standby takes over
                wait_for_standby(connection)
            return [before.get(n) or Completed(written=False) for n in range(len(outcomes))]
        fresh = self._write_deliveries(connection, written)

        empty: set[str] = set()
        changed: list[dict[str, Any]] = []
        keep: list[Lease] = []
        repeated: set[Lease] = set()
        for outcome in written:
            # Not fresh: an earlier commit of this very group, whose outcome was unknown, wrote it and kept the lane.
            ended = outcome.end in STATES and outcome.id in fresh
            fresh.discard(outcome.id)
            name = outcome.lease.lane
            if ended and pending[outcome.lease] == 1:
                empty.add(name)
                continue
            kept = outcome.end in STATES and outcome.go_on
            if kept:
                keep.append(outcome.lease)
                if not ended:
                    repeated.add(outcome.lease)
            delay = self._owner.lease_seconds if kept else outcome.delay_seconds
            changed.append(
                {
                    "name": name,
                    "ended": int(ended),
                    "keep": int(kept),
                    "delay": delay,
                    "waits_for": outcome.waits_for,
                }
            )
        if empty:
            self._remove(connection, {"rows": [{"name": name} for name in empty]})
        if changed:
            self._update(connection, {"rows": changed})
        begun = self._next(connection, keep, set(), sent_at, repeated) if keep else []
        following = {held.lease: held for held in begun}
        freed = {lease for lease in pending if lease[0] not in empty}.difference(keep)
        return [
            before.get(n) or Completed(lease in pending, following.get(lease), lease in freed)
            for n, lease in enumerate(outcome.lease for outcome in outcomes)
        ]

    def _written_before(
        self, connection: Connection, outcomes: Sequence[Outcome], refused: Sequence[int]
    ) -> dict[int, Completed]:
        """Of the outcomes with these numbers, those that are stored as what that very attempt has ended in.

        Of an end that is not final only its line in the history tells. What never began has none, and is not known.
        """
        asked = [
            {
                "id": outcomes[n].id,
                "n": n,
                "state": STATES.get(outcomes[n].end),
                "attempt": outcomes[n].attempt,
                "record": outcomes[n].record if outcomes[n].end not in STATES else None,
            }
            for n in refused
        ]
        found = self._was_written(connection, {"rows": asked})
        return {n: Completed(written=True, freed=outcomes[n].end not in STATES) for (n,) in found}

    def _write_deliveries(self, connection: Connection, written: Sequence[Outcome]) -> set[int]:
        """Writes the ends of those that were live until now. Returns their ids."""
        asked = [
            {
                "id": outcome.id,
                "live": "live",
                "state": STATES.get(outcome.end, "live"),
                "error": outcome.error,
                "back": int(outcome.end in NO_ATTEMPT),
                "listener": outcome.listener,
                "record": outcome.record,
            }
            for outcome in written
        ]
        return {number for (number,) in self._end(connection, {"rows": asked})}
