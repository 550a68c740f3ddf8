"""complete: writes how runs ended, behind the fence, in one transaction for a group of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, delete, select, update

from anchorbolt.inbox.claim import Next
from anchorbolt.inbox.fence import Fence
from anchorbolt.inbox.lease import End, Held, Lease, Outcome
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import LARGE, REAL, TEXT, WHOLE, now, number, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import delivery, lane

# What is left of a delivery whose end is final.
STATES = {End.DONE: "done", End.DEAD: "dead"}


def what_an_end_writes(of: FromClause, is_final: ColumnElement[bool]) -> dict[str, Any]:
    """The columns of a delivery, from rows that have `state`, `error` and `back` (the attempt does not count)."""
    return {
        "state": of.c.state,
        "body": case((of.c.state == word("done"), None), else_=delivery.c.body),
        "error": case((of.c.back == number(1), delivery.c.error), else_=of.c.error),
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
    """The statements of complete for one dialect."""

    def __init__(self, dialect: str, lease_seconds: float, fence: Fence, following: Next) -> None:
        self._lease_seconds = lease_seconds
        self._fence = fence
        self._next = following
        r = keyed(dialect, {"id": LARGE, "live": TEXT, "state": TEXT, "error": TEXT, "back": WHOLE})
        ends = r.c.state != r.c.live
        # That it is live is compared with a column. For the word itself PostgreSQL might take the index of all that is
        # live, and walk through it; and a parameter, with such an index there, SQLite plans anew whenever it is bound.
        self._write = Statement(
            update(delivery)
            .where(delivery.c.id == r.c.id, delivery.c.state == r.c.live)
            .values(**what_an_end_writes(r, ends))
            .returning(delivery.c.id)
        )
        r = keyed(dialect, {"id": LARGE, "state": TEXT, "attempt": WHOLE})
        # Whoever takes a lane over counts one more attempt before it runs. (A replay by hand counts from the start.)
        ours = and_(delivery.c.id == r.c.id, delivery.c.state == r.c.state, delivery.c.attempts == r.c.attempt)
        self._was_written = Statement(select(delivery.c.id, delivery.c.attempts).join_from(r, delivery, ours))
        r = keyed(dialect, {"name": TEXT})
        self._remove = Statement(delete(lane).where(lane.c.name.in_(select(r.c.name))))
        r = keyed(dialect, {"name": TEXT, "ended": WHOLE, "keep": WHOLE, "delay": REAL})
        self._update = Statement(
            update(lane)
            .where(lane.c.name == r.c.name)
            .values(
                pending=lane.c.pending - r.c.ended,
                owner=case((r.c.keep == 1, lane.c.owner)),
                claimable_at=now() + r.c.delay,
            )
        )

    def __call__(
        self, connection: Connection, sent_at: float, outcomes: Sequence[Outcome], *, in_doubt: bool = False
    ) -> list[Completed]:
        """Writes the outcomes of runs in lanes that are still ours. One answer an outcome.

        `in_doubt`: a commit before, whose outcome was unknown, may have written them, and let go of their lanes.
        """
        pending = self._fence(connection, [outcome.lease for outcome in outcomes])
        # By lease, not by lane: an old claim of ours and the new one may meet in a group.
        written = [outcome for outcome in outcomes if outcome.lease in pending]
        refused = [outcome for outcome in outcomes if outcome.lease not in pending]
        before = self._written_before(connection, refused) if in_doubt and refused else set()
        if not written:
            return [Completed((outcome.id, outcome.attempt) in before) for outcome in outcomes]
        fresh = self._write_deliveries(connection, written)

        empty: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        keep: list[Lease] = []
        repeated: set[Lease] = set()
        for outcome in written:
            # Not fresh: a commit of this very group, whose outcome was unknown, had written it and kept the lane.
            ended = outcome.end in (End.DONE, End.DEAD) and outcome.id in fresh
            fresh.discard(outcome.id)
            name = outcome.lease.lane
            if ended and pending[outcome.lease] == 1:
                empty.append({"name": name})
                continue
            kept = outcome.end in (End.DONE, End.DEAD) and outcome.go_on
            if kept:
                keep.append(outcome.lease)
                if not ended:
                    repeated.add(outcome.lease)
            delay = self._lease_seconds if kept else outcome.delay_seconds
            changed.append({"name": name, "ended": int(ended), "keep": int(kept), "delay": delay})
        gone = {row["name"] for row in empty}
        if empty:
            self._remove(connection, {"rows": empty})
        if changed:
            self._update(connection, {"rows": changed})
        begun = self._next(connection, keep, set(), sent_at, repeated) if keep else []
        following = {held.lease: held for held in begun}
        freed = pending.keys() - {outcome.lease for outcome in written if outcome.lease.lane in gone} - set(keep)
        return [
            Completed(lease in pending or (number, attempt) in before, following.get(lease), lease in freed)
            for lease, number, attempt in ((outcome.lease, outcome.id, outcome.attempt) for outcome in outcomes)
        ]

    def _written_before(self, connection: Connection, refused: Sequence[Outcome]) -> set[tuple[int, int]]:
        """What has ended just so, by that very attempt: id and number. Of an end that is not final nothing tells."""
        asked = [
            {"id": outcome.id, "state": STATES[outcome.end], "attempt": outcome.attempt}
            for outcome in refused
            if outcome.end in STATES
        ]
        return {(number, attempts) for number, attempts in self._was_written(connection, {"rows": asked})}

    def _write_deliveries(self, connection: Connection, written: Sequence[Outcome]) -> set[int]:
        """Writes what was live until now. Its ids."""
        asked = [
            {
                "id": outcome.id,
                "live": "live",
                "state": STATES.get(outcome.end, "live"),
                "error": outcome.error,
                "back": int(outcome.end is End.HANDED_BACK),
            }
            for outcome in written
        ]
        return {number for (number,) in self._write(connection, {"rows": asked})}
