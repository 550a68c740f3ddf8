"""accept on PostgreSQL: one statement that is a transaction of its own, and so one round trip a group.

A transaction (inbox/accept.py) stores what the statement does not: a group in doubt, one that holds a key twice, one
that met a retry at the same moment, anything behind a pooler, and what arrives while the database is not known to be
there. The statement keeps the order of that transaction, by what its parts read of each other: all lanes are locked, in
the one order, before the first id is given out (docs/decisions/0017).

A group of duplicates only would write nothing, and PostgreSQL makes only what writes wait for a synchronous standby.
Such a group writes an empty message into the write-ahead log, so that a duplicate is acknowledged only when the
standbys have what it duplicates (docs/decisions/0076).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    null,
    select,
)

from anchorbolt.inbox.accept import FIELDS, Accept, Accepted, Item, row_of, started
from anchorbolt.inbox.lease import Held, Lease
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import rows
from anchorbolt.inbox.sql import LARGE, POSTGRESQL, REAL, TEXT, WHOLE, insert, now, number, word
from anchorbolt.inbox.standby import WRITE_TO_LOG
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery, lane

OWNER, EPOCH = bindparam("owner", type_=TEXT()), bindparam("epoch", type_=LARGE())
LEASE: BindParameter[float] = bindparam("lease", type_=REAL())
# What PostgreSQL's log says of the statement that it makes fail.
RACED = "another stored this delivery in this moment: the group is done again"
# The place of the one row that the statement returns when it stored nothing.
ALL_ARE_DUPLICATES = -1


class PostgresqlAccept(Accept):
    """Stores groups of deliveries, each in one statement where that can be."""

    def __init__(self, store: Store, owner: Owner) -> None:
        super().__init__(store, owner)
        fresh = _fresh()
        locked = _lock_lanes(fresh)
        is_held = and_(fresh.c.place == number(1), locked.c.owner == OWNER, locked.c.epoch == EPOCH)
        stored = _store(fresh, locked, is_held)
        # Its lane was counted up, for nothing: that must not be committed.
        is_stored = cast(case((stored.c.id.is_(None), word(RACED)), else_=word("1")), WHOLE)
        answer = (fresh.c.n, stored.c.id, stored.c.received_at, is_held, locked.c.owner.is_(None), is_stored)
        self.statement = Statement(
            POSTGRESQL,
            select(*answer)
            .join_from(fresh, locked, locked.c.name == fresh.c.lane)
            .outerjoin(stored, stored.c.key == fresh.c.key)
            .union_all(_wait_for_standby(fresh)),
        )

    async def _write(self, epoch: int, sent_at: float, items: Sequence[Item], *, in_doubt: bool) -> Sequence[Accepted]:
        # Whether a database is back is not for the statement to tell: it may find nothing to write.
        if self._store.up and not in_doubt:
            answers = await self._store.ask(self.in_one_statement(epoch, sent_at, items))
            if answers is not None:
                return answers
        return await super()._write(epoch, sent_at, items, in_doubt=in_doubt)

    async def in_one_statement(self, epoch: int, sent_at: float, items: Sequence[Item]) -> list[Accepted] | None:
        """Stores the items; one answer an item. None: nothing was stored, and a transaction has to do it.

        Args:
            epoch: that of the leases on lanes that are taken for the items.
            sent_at: when the statement is sent, by our monotonic clock: their leases begin then.
            items: with different keys; otherwise nothing is stored.

        Raises StoreUnavailableError when nothing was sent, and StoreUnknownError when no answer came.
        """
        if len({item.key for item in items}) < len(items):
            return None
        found = await self._store.database.execute(self.statement, self.parameters(epoch, items))
        if found is None:
            return None
        answers = [Accepted(new=False) for _ in items]
        for n, id_, received_at, is_held, waiting, _ in found:
            if n == ALL_ARE_DUPLICATES:
                break
            answer, item = answers[n], items[n]
            answer.new, answer.waiting = True, waiting
            if is_held:
                answer.held = Held(Lease(item.lane, epoch), started(item, id_, received_at), sent_at)
        return answers

    def parameters(self, epoch: int, items: Sequence[Item]) -> Mapping[str, Any]:
        """What the statement is sent with."""
        takes: dict[str, int] = {}  # the first of a lane speaks for it
        asked = [
            row_of(n, item, take=takes.setdefault(item.lane, int(item.take or item.running)))
            for n, item in enumerate(items)
        ]
        return {"rows": asked, "owner": self._owner.name, "epoch": epoch, "lease": self._owner.lease_seconds}


def _fresh() -> CTE:
    """What is not stored yet; `place` tells which is the first of its lane."""
    r = rows(POSTGRESQL, {"n": WHOLE, **dict.fromkeys(FIELDS, TEXT), "take": WHOLE})
    # A look into the index for each: a join might be planned, and kept, as a walk over all there is. And no IS NULL: of
    # that PostgreSQL expects next to none, and would compare each of a group with each.
    known = select(delivery.c.id).where(delivery.c.key == r.c.key).scalar_subquery()
    place = func.row_number().over(partition_by=r.c.lane, order_by=r.c.n).label("place")
    return select(*r.c, place).where(func.coalesce(known, number(0)) < number(1)).cte("fresh")


def _wait_for_standby(fresh: CTE) -> Select[Any]:
    """Where nothing is fresh: writes what makes this transaction wait for the synchronous standby, and returns a row.

    A CASE, because PostgreSQL is free to evaluate the parts of an AND in any order.
    """
    nothing_is_fresh = ~select(number(1)).select_from(fresh).exists()
    writes = case((nothing_is_fresh, WRITE_TO_LOG.is_not(None)), else_=false())
    answer = (number(ALL_ARE_DUPLICATES), cast(null(), LARGE), cast(null(), REAL), false(), false(), number(1))
    return select(*answer).where(writes)


def _lock_lanes(fresh: CTE) -> CTE:
    """Counts the lanes up, and takes those that were empty."""
    takes = func.max(fresh.c.take) == number(1)
    into = insert(POSTGRESQL, lane).from_select(
        ["name", "pending", "owner", "epoch", "claimable_at", "workspace"],
        select(
            fresh.c.lane,
            func.count(),
            case((takes, OWNER)),
            EPOCH,
            now() + case((takes, LEASE), else_=number(0)),
            func.max(fresh.c.workspace),
        )
        .group_by(fresh.c.lane)
        .order_by(fresh.c.lane),
    )
    return (
        into.on_conflict_do_update(
            index_elements=[lane.c.name], set_={"pending": lane.c.pending + into.excluded.pending}
        )
        .returning(lane.c.name, lane.c.owner, lane.c.epoch)
        .cte("locked")
    )


def _store(fresh: CTE, locked: CTE, is_held: ColumnElement[bool]) -> CTE:
    """Stores what is fresh, in its order."""
    # Known before the first row is: a join alone may give rows, and they ids, while lanes are still to be locked.
    all_are_locked = select(func.count()).select_from(locked).scalar_subquery() > number(0)
    attempts = case((is_held, number(1)), else_=number(0))
    return (
        insert(POSTGRESQL, delivery)
        .from_select(
            [*FIELDS, "received_at", "state", "attempts", "crashes"],
            select(*(fresh.c[name] for name in FIELDS), now(), word("live"), attempts, number(0))
            .join_from(fresh, locked, locked.c.name == fresh.c.lane)
            .where(all_are_locked)
            .order_by(fresh.c.n),
        )
        .on_conflict_do_nothing(index_elements=[delivery.c.key])
        .returning(delivery.c.id, delivery.c.key, delivery.c.received_at)
        .cte("stored")
    )
