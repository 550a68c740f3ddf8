"""renew: puts off the end of leases that are still ours, behind the fence."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, update

from anchorbolt.inbox.fence import Fence
from anchorbolt.inbox.lease import Lease
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import REAL, TEXT, now
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import lane


class Renew:
    """Puts off the end of leases that are still ours."""

    def __init__(self, store: Store, owner: Owner) -> None:
        self._store = store
        self._lease_seconds = owner.lease_seconds
        dialect = store.database.dialect
        self._fence = Fence(dialect, owner.name)
        r = keyed(dialect, {"name": TEXT})
        self._renew = Statement(
            dialect,
            update(lane).where(lane.c.name == r.c.name).values(claimable_at=now() + bindparam("lease", type_=REAL())),
        )

    async def __call__(self, leases: Sequence[Lease]) -> list[Lease]:
        """Renews them. Returns those that were lost. Raises a StoreError."""
        return await self._store.transact(lambda connection: self.in_transaction(connection, leases))

    def in_transaction(self, connection: Connection, leases: Sequence[Lease]) -> list[Lease]:
        """Renews them. Returns those that were lost."""
        held = self._fence(connection, leases)
        if held:
            asked = [{"name": name} for name, _ in held]
            self._renew(connection, {"rows": asked, "lease": self._lease_seconds})
        return [lease for lease in leases if lease not in held]
