"""accept: stores a group of deliveries, and takes the lease of lanes that were empty.

Here is what an item and its answer are, and the transaction that stores a group. SQLite does some of its steps in
another way (sqlite/accept.py); PostgreSQL does most groups in one statement (postgresql/accept.py), and leaves the
others to this transaction.

The order of the statements is the protocol: the lanes first, in one order for everybody, so that within a lane ids grow
in the order of the commits; then the deliveries; then the count is put right for those that were there already.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, bindparam, case, delete, literal, select, true, update

from anchorbolt.inbox.following import Next
from anchorbolt.inbox.lease import Held, Lease, Stored
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import Row, keyed, rows
from anchorbolt.inbox.sql import REAL, TEXT, WHOLE, insert, now
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery, lane


@dataclass(slots=True, eq=False)
class Item:
    """A delivery to store. `take`: run it here if its lane is empty. `running`: its listener runs here already.

    `headers`: a few headers of the request, as the text of a JSON object; what is stored keeps them until it is done.
    """

    key: str
    lane: str
    kind: str
    content_type: str
    body: str = field(repr=False)
    traceparent: str | None = None
    take: bool = False
    running: bool = False
    headers: str | None = field(default=None, repr=False)
    workspace: str | None = None
    conversation: str | None = None


# The columns that hold an item as it came.
FIELDS = ("key", "lane", "kind", "content_type", "body", "traceparent", "headers", "workspace", "conversation")


def row_of(n: int, item: Item, **more: int) -> Row:
    """The item as a row of a statement, at its place in the group."""
    return {
        "n": n,
        "key": item.key,
        "lane": item.lane,
        "kind": item.kind,
        "content_type": item.content_type,
        "body": item.body,
        "traceparent": item.traceparent,
        "headers": item.headers,
        "workspace": item.workspace,
        "conversation": item.conversation,
        **more,
    }


def is_taken_for(of_lane: Sequence[Item], told: Container[str]) -> bool:
    """Whether an empty lane is taken for these items. `told`: as in Accept.in_transaction."""
    first = of_lane[0]
    return (first.take or first.running) and first.lane not in told


def started(item: Item, number: int, received_at: float) -> Stored:
    """Returns an item as it is stored, in a lane that was taken for it.

    `number`: the id of its row. `received_at`: seconds since 1970, by the database's clock.
    """
    # By position: with the names of its fields, it takes one and a half times as long.
    return Stored(
        number,
        item.key,
        item.kind,
        item.content_type,
        item.body,
        item.traceparent,
        item.headers,
        item.workspace,
        item.conversation,
        received_at,
        1,
        0,
        None,
    )


@dataclass(slots=True)
class Accepted:
    """What became of an item: new or a duplicate; held by this process, or waiting for whoever claims its lane."""

    new: bool
    held: Held | None = None
    waiting: bool = False


class Accept:
    """Stores groups of deliveries for one process, each in one transaction."""

    def __init__(self, store: Store, owner: Owner) -> None:
        self._store = store
        self._owner = owner
        self._epoch = 0  # of the group that was written last
        self._told: set[str] = set()  # lanes of what is in doubt, where a part of it is known by now
        dialect = store.database.dialect
        self._next = Next(dialect)
        r = rows(dialect, {"name": TEXT, "n": WHOLE, "take": WHOLE, "workspace": TEXT})
        takes = r.c.take == 1
        into = insert(dialect, lane).from_select(
            ["name", "pending", "owner", "epoch", "claimable_at", "workspace"],
            select(
                r.c.name,
                r.c.n,
                case((takes, bindparam("owner", type_=TEXT()))),
                literal(0) + bindparam("epoch"),
                now() + case((takes, bindparam("lease", type_=REAL())), else_=0.0),
                r.c.workspace,
            )
            .where(true())  # SQLite would read the ON of ON CONFLICT as that of a join
            .order_by(r.c.name),
        )
        # Ours already: an earlier commit of this very group, whose outcome was unknown, took it; its lease may be over.
        again = and_(lane.c.owner == into.excluded.owner, lane.c.epoch == into.excluded.epoch)
        lanes = into.on_conflict_do_update(
            index_elements=[lane.c.name],
            set_={
                "pending": lane.c.pending + into.excluded.pending,
                "claimable_at": case((again, into.excluded.claimable_at), else_=lane.c.claimable_at),
            },
        ).returning(lane.c.name, lane.c.owner, lane.c.epoch)
        self._lanes = Statement(dialect, lanes)

        r = rows(dialect, {"n": WHOLE, **dict.fromkeys(FIELDS, TEXT), "attempts": WHOLE})
        deliveries = (
            insert(dialect, delivery)
            .from_select(
                [*FIELDS, "received_at", "state", "attempts", "crashes"],
                select(*(r.c[name] for name in FIELDS), now(), literal("live"), r.c.attempts, literal(0))
                .where(true())
                .order_by(r.c.n),
            )
            .on_conflict_do_nothing(index_elements=[delivery.c.key])
            .returning(delivery.c.id, delivery.c.key, delivery.c.received_at)
        )
        self._deliveries = Statement(dialect, deliveries)
        r = keyed(dialect, {"name": TEXT, "n": WHOLE})
        of_these = lane.c.name == r.c.name
        self._uncount = Statement(dialect, update(lane).where(of_these).values(pending=lane.c.pending - r.c.n))
        self._sweep = Statement(dialect, delete(lane).where(lane.c.name.in_(select(r.c.name)), lane.c.pending <= 0))

    async def __call__(self, items: Sequence[Item], *, in_doubt: bool) -> Sequence[Accepted]:
        """Stores a group; one answer an item. Raises a StoreError.

        `in_doubt`: a commit before, whose outcome is unknown, held these items and perhaps others. The epoch of that
        commit is used again, so that what it took is known as ours.
        """
        sent_at = self._store.clock()
        if not in_doubt:
            self._epoch = next(self._owner.epochs)
            self._told.clear()
        answers = await self._write(self._epoch, sent_at, items, in_doubt=in_doubt)
        if in_doubt:
            self._told.update(item.lane for item in items)
        return answers

    async def _write(self, epoch: int, sent_at: float, items: Sequence[Item], *, in_doubt: bool) -> Sequence[Accepted]:
        return await self._store.transact(
            lambda connection: self.in_transaction(connection, epoch, sent_at, items, self._told)
        )

    def in_transaction(
        self, connection: Connection, epoch: int, sent_at: float, items: Sequence[Item], told: Container[str] = ()
    ) -> list[Accepted]:
        """Stores the items; one answer an item. `epoch` is a number that no other claim of this process has.

        `told`: lanes in which items of this very group, whose outcome was unknown, are known by now. Whoever runs
        there, these are behind it, and their lane is not taken for them.
        """
        lanes: dict[str, list[Item]] = {}
        for item in items:
            lanes.setdefault(item.lane, []).append(item)
        owners = self._count_up(connection, epoch, lanes, told)
        ours = (self._owner.name, epoch)
        first = {name: of[0] for name, of in lanes.items() if owners[name] == ours and name not in told}
        stored = self._insert(connection, items, first)
        held = {
            item.key: Held(Lease(name, epoch), started(item, *stored[item.key]), sent_at)
            for name, item in first.items()
            if item.key in stored
        }
        if len(stored) == len(items):
            return [Accepted(True, held.get(item.key), owners[item.lane][0] is None) for item in items]
        self._forget_duplicates(connection, items, stored)
        if left := [Lease(name, epoch) for name, item in first.items() if item.key not in stored]:
            # The lane is ours, but not by its first item. It was emptied just now, and what is behind the duplicate is
            # the oldest; or an earlier commit of this very group, whose outcome was unknown, had stored it.
            held |= {one.stored.key: one for one in self._next(connection, left, set(), sent_at, left)}
        new = stored.keys() | held.keys()
        answers = []
        for item in items:
            answers.append(Accepted(item.key in new, held.get(item.key), owners[item.lane][0] is None))
            if item.key in new:  # twice in one group: the second is a duplicate
                new.discard(item.key)
                held.pop(item.key, None)
        return answers

    def _count_up(
        self, connection: Connection, epoch: int, lanes: Mapping[str, Sequence[Item]], told: Container[str]
    ) -> dict[str, tuple[str | None, int]]:
        """Counts the lanes up, and takes those that were empty. Returns the owner and the epoch of each."""
        asked = [
            {"name": name, "n": len(of), "take": int(is_taken_for(of, told)), "workspace": of[0].workspace}
            for name, of in lanes.items()
        ]
        parameters = {
            "rows": asked,
            "owner": self._owner.name,
            "epoch": epoch,
            "lease": self._owner.lease_seconds,
        }
        return {name: (owner, at) for name, owner, at in self._lanes(connection, parameters)}

    def _insert(
        self, connection: Connection, items: Sequence[Item], first: Mapping[str, Item]
    ) -> dict[str, tuple[int, float]]:
        """Stores what is new; `first`: what begins at once. Returns the id and the time of each, by its key."""
        asked = [row_of(n, item, attempts=int(first.get(item.lane) is item)) for n, item in enumerate(items)]
        return {
            key: (number, received_at) for number, key, received_at in self._deliveries(connection, {"rows": asked})
        }

    def _forget_duplicates(
        self, connection: Connection, items: Sequence[Item], stored: dict[str, tuple[int, float]]
    ) -> None:
        """What was there already, or twice in this group, must not be counted in its lane."""
        seen: set[str] = set()
        too_many: dict[str, int] = {}
        for item in items:
            if item.key not in stored or item.key in seen:
                too_many[item.lane] = too_many.get(item.lane, 0) + 1
            seen.add(item.key)
        asked = [{"name": name, "n": n} for name, n in sorted(too_many.items())]
        self._uncount(connection, {"rows": asked})
        self._sweep(connection, {"rows": asked})
