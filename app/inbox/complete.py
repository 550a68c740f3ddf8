"""complete: writes how runs ended, behind the fence, in one transaction for a group of them.

The fence is the lease: owner and epoch. A lane that answers to neither any more was lost, and its result is not ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, case, delete, select, update

from app.inbox.claim import Next
from app.inbox.lease import End, Held, Lease, Outcome
from app.inbox.sql import LARGE, REAL, TEXT, WHOLE, now, rows
from app.inbox.tables import delivery, lane


@dataclass(frozen=True, slots=True)
class Completed:
    """`written`: the lease was still ours. `following`: the lane's next delivery, ours to run now."""

    written: bool
    following: Held | None = None
    freed: bool = False  # the lane waits for whoever claims it


class Fence:
    """Which of some leases are still ours; locks their lanes, in the one order."""

    def __init__(self, dialect: str, owner: str) -> None:
        self._owner = owner
        r = rows(dialect, {"name": TEXT, "epoch": LARGE})
        self._held = (
            select(lane.c.name, lane.c.epoch, lane.c.pending)
            .join_from(r, lane, lane.c.name == r.c.name)
            .where(lane.c.owner == bindparam("owner"), lane.c.epoch == r.c.epoch)
            .order_by(lane.c.name)
            .with_for_update(of=lane)
        )

    def __call__(self, connection: Connection, leases: Sequence[Lease]) -> dict[Lease, int]:
        """The leases that we still hold, each with what is pending in its lane."""
        asked = _json([{"name": lease.lane, "epoch": lease.epoch} for lease in leases])
        found = connection.execute(self._held, {"rows": asked, "owner": self._owner})
        return {Lease(row.name, row.epoch): row.pending for row in found}


class Complete:
    """The statements of complete for one dialect."""

    def __init__(self, dialect: str, lease_seconds: float, fence: Fence, following: Next) -> None:
        self._lease_seconds = lease_seconds
        self._fence = fence
        self._next = following
        r = rows(dialect, {"id": LARGE, "state": TEXT, "error": TEXT, "back": WHOLE})
        ends = r.c.state != "live"
        self._write = (
            update(delivery)
            .where(delivery.c.id == r.c.id, delivery.c.state == "live")
            .values(
                state=r.c.state,
                body=case((r.c.state == "done", None), else_=delivery.c.body),
                error=case((r.c.back == 1, delivery.c.error), else_=r.c.error),
                attempts=delivery.c.attempts - r.c.back,
                ended_at=case((ends, now())),
            )
            .returning(delivery.c.id)
        )
        r = rows(dialect, {"name": TEXT})
        self._remove = delete(lane).where(lane.c.name.in_(select(r.c.name)))
        r = rows(dialect, {"name": TEXT, "ended": WHOLE, "keep": WHOLE, "delay": REAL})
        self._update = (
            update(lane)
            .where(lane.c.name == r.c.name)
            .values(
                pending=lane.c.pending - r.c.ended,
                owner=case((r.c.keep == 1, lane.c.owner)),
                claimable_at=now() + r.c.delay,
            )
        )

    def __call__(self, connection: Connection, sent_at: float, outcomes: Sequence[Outcome]) -> list[Completed]:
        """Writes the outcomes of runs in lanes that are still ours. One answer an outcome."""
        pending = self._fence(connection, [outcome.lease for outcome in outcomes])
        # By lease, not by lane: an old claim of ours and the new one may meet in a group.
        written = [outcome for outcome in outcomes if outcome.lease in pending]
        if not written:
            return [Completed(written=False) for _ in outcomes]
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
            connection.execute(self._remove, {"rows": _json(empty)})
        if changed:
            connection.execute(self._update, {"rows": _json(changed)})
        begun = self._next(connection, keep, set(), sent_at, repeated) if keep else []
        following = {held.lease: held for held in begun}
        freed = pending.keys() - {outcome.lease for outcome in written if outcome.lease.lane in gone} - set(keep)
        return [
            Completed(lease in pending, following.get(lease), lease in freed)
            for lease in (outcome.lease for outcome in outcomes)
        ]

    def _write_deliveries(self, connection: Connection, written: Sequence[Outcome]) -> set[int]:
        """Writes what was live until now. Its ids."""
        states = {End.DONE: "done", End.DEAD: "dead"}
        asked = [
            {
                "id": outcome.id,
                "state": states.get(outcome.end, "live"),
                "error": outcome.error,
                "back": int(outcome.end is End.HANDED_BACK),
            }
            for outcome in written
        ]
        return set(connection.execute(self._write, {"rows": _json(asked)}).scalars())


class Renew:
    """Puts off the end of leases that are still ours."""

    def __init__(self, dialect: str, lease_seconds: float, fence: Fence) -> None:
        self._lease_seconds = lease_seconds
        self._fence = fence
        r = rows(dialect, {"name": TEXT})
        self._renew = (
            update(lane).where(lane.c.name == r.c.name).values(claimable_at=now() + bindparam("lease", type_=REAL()))
        )

    def __call__(self, connection: Connection, leases: Sequence[Lease]) -> list[Lease]:
        """Renews them. Returns those that were lost."""
        held = self._fence(connection, leases)
        if held:
            asked = _json([{"name": lease.lane} for lease in held])
            connection.execute(self._renew, {"rows": asked, "lease": self._lease_seconds})
        return [lease for lease in leases if lease not in held]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
