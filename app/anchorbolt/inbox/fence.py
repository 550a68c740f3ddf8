"""The fence: a lane whose owner or epoch is not that of our lease was lost, and its result is not ours to write."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from anchorbolt.inbox.lease import Lease
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import LARGE, POSTGRESQL, TEXT
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import lane


class Fence:
    """Which of some leases are still ours; locks their lanes, in the one order."""

    def __init__(self, dialect: str, owner: str) -> None:
        self._owner = owner
        r = keyed(dialect, {"name": TEXT, "epoch": LARGE})
        held = (
            select(lane.c.name, lane.c.epoch, lane.c.pending)
            .join_from(r, lane, lane.c.name == r.c.name)
            .where(lane.c.owner == bindparam("owner"), lane.c.epoch == r.c.epoch)
        )
        self._locks = dialect == POSTGRESQL  # SQLite has one writer: it locks nothing, and so needs no order either
        if self._locks:
            held = held.order_by(lane.c.name).with_for_update(of=lane)
        self._held = Statement(dialect, held)

    def __call__(self, connection: Connection, leases: Sequence[Lease]) -> dict[tuple[str, int], int]:
        """The leases that we still hold, each with what is pending in its lane."""
        # SQLite takes tuples, and a Lease is one in the order of the columns.
        asked = [{"name": lease.lane, "epoch": lease.epoch} for lease in leases] if self._locks else leases
        found = self._held(connection, {"rows": asked, "owner": self._owner})
        return {(name, epoch): pending for name, epoch, pending in found}
