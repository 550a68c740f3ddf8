"""The next delivery of a lane: the oldest one that is live, counted as an attempt before it starts."""

from __future__ import annotations

from collections.abc import Container, Sequence

from sqlalchemy import Connection, func, select, update

from anchorbolt.inbox.lease import Held, Lease, Stored
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import LARGE, TEXT, WHOLE, now, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import delivery

# The first fields of Stored, in their order.
OF_STORED = (
    "id",
    "key",
    "kind",
    "content_type",
    "body",
    "traceparent",
    "headers",
    "workspace",
    "conversation",
    "received_at",
)


class Next:
    """Starts the next delivery of some lanes."""

    def __init__(self, dialect: str) -> None:
        r = keyed(dialect, {"name": TEXT})
        # One look into the index a lane, however much waits in it: a GROUP BY would read all of that.
        one = delivery.alias("one")
        oldest = select(func.min(one.c.id)).where(one.c.state == word("live"), one.c.lane == r.c.name).scalar_subquery()
        # Before the join: within it PostgreSQL may think a walk over the deliveries less than to look it up.
        looked = select(oldest.label("id")).select_from(r).cte("looked").prefix_with("MATERIALIZED")
        columns = (delivery.c[name] for name in ("lane", "attempts", "crashes", "listener", *OF_STORED))
        self._oldest = Statement(dialect, select(*columns).join_from(looked, delivery, delivery.c.id == looked.c.id))
        r = keyed(dialect, {"id": LARGE, "cut": WHOLE})
        self._start = Statement(
            dialect,
            update(delivery)
            .where(delivery.c.id == r.c.id)
            .values(attempts=delivery.c.attempts + 1, crashes=delivery.c.crashes + r.c.cut, started_at=now()),
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
            name: (attempts, crashes, listener, row)
            for name, attempts, crashes, listener, *row in self._oldest(connection, {"rows": names})
        }
        held: list[Held] = []
        starts: list[dict[str, int]] = []
        for lease in leases:
            if lease.lane not in found:
                continue
            attempts, crashes, listener, row = found[lease.lane]
            cut = int(lease.lane in taken_over and attempts > 0)
            counted = lease in repeated and attempts > 0
            stored = Stored(*(*row, attempts + (not counted), crashes + cut, listener))
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
        ids = [number for _, attempts, _, _, number, *_ in oldest if attempts > 0]
        connection.execute(update(delivery).where(delivery.c.id.in_(ids)).values(attempts=delivery.c.attempts - 1))
