"""complete on SQLite: the end of a run that ended well, which is the usual one, needs no statement that returns rows.

Which deliveries are live is looked up before (sqlite/accept.py says why), and the columns of these ends are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, null, select, update

from anchorbolt.inbox.complete import Complete
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.rows import rows
from anchorbolt.inbox.sql import SQLITE, WHOLE, now, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery


class SqliteComplete(Complete):
    """Writes how groups of runs ended."""

    def __init__(self, store: Store, owner: Owner) -> None:
        super().__init__(store, owner)
        r = rows(SQLITE, {"id": WHOLE})
        live = select(delivery.c.id).where(delivery.c.id == r.c.id, delivery.c.state == word("live"))
        # A subquery for each, as in accept.py.
        self._live = Statement(SQLITE, select(live.scalar_subquery()).select_from(r))
        is_one = delivery.c.id.in_(select(r.c.id))
        nothing = dict.fromkeys(("body", "headers", "history", "error"), null())
        self._done = Statement(
            SQLITE, update(delivery).where(is_one).values(state=word("done"), ended_at=now(), **nothing)
        )

    def _write_deliveries(self, connection: Connection, written: Sequence[Outcome]) -> set[int]:
        done = [(outcome.id,) for outcome in written if _leaves_nothing(outcome)]
        fresh: set[int] = set()
        if done:
            live = [row for row in self._live(connection, {"rows": done}) if row[0] is not None]
            if live:
                self._done(connection, {"rows": live})
            fresh = {id_ for (id_,) in live}
        if len(done) < len(written):
            fresh |= super()._write_deliveries(connection, [one for one in written if not _leaves_nothing(one)])
        return fresh


def _leaves_nothing(outcome: Outcome) -> bool:
    """Whether a run ended well, and nothing is to be noted of it."""
    return outcome.end is End.DONE and outcome.error is None and outcome.listener is None and outcome.record is None
