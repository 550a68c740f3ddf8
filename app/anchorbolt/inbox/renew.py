"""renew: puts off the end of leases that are still ours, behind the fence."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, update

from anchorbolt.inbox.fence import Fence
from anchorbolt.inbox.lease import Lease
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import REAL, TEXT, now
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import lane


class Renew:
    """Puts off the end of leases that are still ours."""

    def __init__(self, dialect: str, lease_seconds: float, fence: Fence) -> None:
        self._lease_seconds = lease_seconds
        self._fence = fence
        r = keyed(dialect, {"name": TEXT})
        self._renew = Statement(
            update(lane).where(lane.c.name == r.c.name).values(claimable_at=now() + bindparam("lease", type_=REAL()))
        )

    def __call__(self, connection: Connection, leases: Sequence[Lease]) -> list[Lease]:
        """Renews them. Returns those that were lost."""
        held = self._fence(connection, leases)
        if held:
            asked = [{"name": lease.lane} for lease in held]
            self._renew(connection, {"rows": asked, "lease": self._lease_seconds})
        return [lease for lease in leases if lease not in held]
