"""accept on SQLite: its statements return nothing, because what they store is known from what was sent.

A statement that returns rows writes them to temporary tables, which takes about as long as to store them. SQLite has
one writer: what is looked up in a transaction holds until its commit. So a lane that is not found is inserted, and is
as it was sent. New deliveries get ids that follow each other, in their order: the last id tells the others
(docs/decisions/0115).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from operator import attrgetter

from sqlalchemy import Connection, bindparam, select, true

from anchorbolt.inbox.accept import FIELDS, Accept, Item, is_taken_for
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import MOST, rows
from anchorbolt.inbox.sql import REAL, SQLITE, TEXT, WHOLE, insert, number, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery, lane

_fields_of = attrgetter(*FIELDS)


class SqliteAccept(Accept):
    """Stores groups of deliveries. `clock`: that of the database, in seconds since 1970."""

    def __init__(self, store: Store, owner: Owner, clock: Callable[[], float]) -> None:
        super().__init__(store, owner)
        self._clock = clock
        r = rows(SQLITE, {"name": TEXT})
        # A subquery for each name: for a join or an IN, SQLite writes all names to a temporary table first.
        known = select(lane.c.name).where(lane.c.name == r.c.name).scalar_subquery()
        self._known = Statement(SQLITE, select(known).select_from(r))
        r = rows(
            SQLITE,
            {"name": TEXT, "pending": WHOLE, "owner": TEXT, "epoch": WHOLE, "claimable_at": REAL, "workspace": TEXT},
        )
        self._new_lanes = Statement(SQLITE, insert(SQLITE, lane).from_select([*r.c.keys()], select(*r.c)))
        r = rows(SQLITE, {**dict.fromkeys(FIELDS, TEXT), "received_at": REAL, "attempts": WHOLE})
        self._new_deliveries = Statement(
            SQLITE,
            insert(SQLITE, delivery)
            .from_select([*r.c.keys(), "state", "crashes"], select(*r.c, word("live"), number(0)).where(true()))
            .on_conflict_do_nothing(index_elements=[delivery.c.key]),
        )
        latest = select(delivery.c.key, delivery.c.id).where(delivery.c.id > bindparam("after", type_=WHOLE))
        self._latest = Statement(SQLITE, latest.order_by(delivery.c.id.desc()).limit(bindparam("most", type_=WHOLE)))

    def _count_up(
        self, connection: Connection, epoch: int, lanes: Mapping[str, Sequence[Item]], told: Container[str]
    ) -> dict[str, tuple[str | None, int]]:
        found = self._known(connection, {"rows": [(name,) for name in lanes]})
        known = {name: lanes[name] for (name,) in found if name is not None}
        owners = super()._count_up(connection, epoch, known, told) if known else {}
        now = self._clock()
        new = []
        for name, of in lanes.items():
            if name not in known:
                owner, claimable_at = None, now
                if is_taken_for(of, told):
                    owner, claimable_at = self._owner.name, now + self._owner.lease_seconds
                new.append((name, len(of), owner, epoch, claimable_at, of[0].workspace))
                owners[name] = (owner, epoch)
        if new:
            self._new_lanes(connection, {"rows": new})
        return owners

    def _insert(
        self, connection: Connection, items: Sequence[Item], first: Mapping[str, Item]
    ) -> dict[str, tuple[int, float]]:
        now = self._clock()
        asked = [(*_fields_of(item), now, int(first.get(item.lane) is item)) for item in items]
        stored: dict[str, tuple[int, float]] = {}
        for begins in range(0, len(items), MOST):
            part = items[begins : begins + MOST]
            count, last_id = self._new_deliveries.insert(connection, asked[begins : begins + MOST])
            if count == len(part):
                ids = range(last_id - count + 1, last_id + 1)
                stored.update((item.key, (id_, now)) for item, id_ in zip(part, ids, strict=True))
            else:  # Duplicates among them. What is new has the highest ids, but a duplicate may have used one up too.
                newest = self._latest(connection, {"after": last_id - len(part), "most": count})
                stored.update((key, (id_, now)) for key, id_ in newest)
        return stored
