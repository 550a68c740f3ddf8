"""The leader lock: a lease on what only one process may do at a time; who holds it is the leader.

The leader holds the one connection of Socket Mode (docs/decisions/0031-one-connection.md). No delivery depends on the
lock: lanes have leases of their own. Its row, in the table `seat`, is made when it is first taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, literal, or_, select, true, update

from anchorbolt.inbox.sql import REAL, TEXT, insert, now
from anchorbolt.inbox.tables import seat

# Runs work in a transaction. Raises a StoreError.
Transact = Callable[[Callable[[Connection], Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """Who holds the lock. `free_in_seconds`: until anybody may take it. `served`: its holder does the leader's work."""

    ours: bool = False
    free_in_seconds: float = 0.0
    served: bool = False


class LeaderLock:
    """One lock, as one process sees it. The epoch tells a claim of it from every other, also of the same process."""

    def __init__(self, dialect: str, owner: str, name: str, transact: Transact) -> None:
        self._owner = owner
        self._transact = transact
        mine = seat.c.name == name
        self._look = select(seat.c.owner, (seat.c.held_until - now()).label("left"), seat.c.served).where(mine)
        lease = now() + bindparam("lease", type_=REAL())
        into = insert(dialect, seat).from_select(
            ["name", "owner", "epoch", "held_until", "served"],
            select(literal(name), bindparam("me", type_=TEXT()), literal(1), lease, literal(0)).where(true()),
        )
        self._take = into.on_conflict_do_update(
            index_elements=[seat.c.name],
            set_={
                "owner": into.excluded.owner,
                "epoch": seat.c.epoch + 1,
                "held_until": into.excluded.held_until,
                "served": 0,
            },
            # Our own name: the claim of a commit whose outcome was unknown. Who holds the lock does not ask for it.
            where=or_(seat.c.owner.is_(None), seat.c.owner == into.excluded.owner, seat.c.held_until <= now()),
        ).returning(seat.c.epoch)
        held = update(seat).where(mine, seat.c.owner == bindparam("me"), seat.c.epoch == bindparam("claim"))
        self._renew = held.values(held_until=lease, served=bindparam("serves")).returning(seat.c.epoch)
        self._leave = held.values(owner=None, held_until=now(), served=0).returning(seat.c.epoch)

    async def look(self) -> Seen:
        """Who holds the lock now. It locks no row, so it may be asked often. Raises a StoreError."""
        row = await self._transact(lambda connection: connection.execute(self._look).one_or_none())
        if row is None or row.owner is None:
            return Seen()
        return Seen(row.owner == self._owner, max(0.0, row.left), bool(row.served))

    async def take(self, lease_seconds: float) -> int | None:
        """Takes the lock if it is free, or its lease is over. The epoch of this claim, or None. Raises a StoreError."""
        epoch: int | None = await self._scalar(self._take, {"me": self._owner, "lease": lease_seconds})
        return epoch

    async def renew(self, epoch: int, lease_seconds: float, *, serves: bool) -> bool:
        """Puts off the end of the lock's lease to `lease_seconds` from now. Returns whether the lock was still ours.

        `epoch`: of the claim by which we hold it. `serves`: whether we are connected to Slack. Raises a StoreError.
        """
        parameters = {"me": self._owner, "claim": epoch, "lease": lease_seconds, "serves": int(serves)}
        return await self._scalar(self._renew, parameters) is not None

    async def leave(self, epoch: int) -> bool:
        """Releases the lock, so that another may take it at once. Whether it was still ours. Raises a StoreError."""
        return await self._scalar(self._leave, {"me": self._owner, "claim": epoch}) is not None

    async def _scalar(self, statement: Any, parameters: dict[str, Any]) -> Any:
        return await self._transact(lambda connection: connection.execute(statement, parameters).scalar_one_or_none())
