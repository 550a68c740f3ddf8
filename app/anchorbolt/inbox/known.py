"""known: whether deliveries with these keys were stored, however they ended. It changes nothing.

What it finds is answered 200, so on PostgreSQL it waits until the synchronous standby has it too (standby.py).

One question at a time is asked of the database; the keys that come meanwhile go into the next one. So a burst of
commands takes one connection, and not one for each of them from those that store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from anchorbolt.errors import StoreError
from anchorbolt.inbox.rows import keyed
from anchorbolt.inbox.sql import POSTGRESQL, TEXT
from anchorbolt.inbox.standby import WRITE_TO_LOG
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery
from anchorbolt.telemetry.tasks import spawn


class Known:
    """Looks keys up, those that are asked for in one moment together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        dialect = store.database.dialect
        r = keyed(dialect, {"key": TEXT})
        # A message for the log for each key that is found, so none where nothing is.
        waits = [WRITE_TO_LOG] if dialect == POSTGRESQL else []
        self._found = Statement(
            dialect, select(delivery.c.key, *waits).join_from(r, delivery, delivery.c.key == r.c.key)
        )
        # The same of one key, in half of the time: for `at_once`.
        self._found_one = Statement(dialect, select(delivery.c.key).where(delivery.c.key == bindparam("key")))
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def at_once(self, key: str) -> bool | None:
        """As a call, where the database can tell without waiting; None where it cannot."""
        found = self._store.database.look(self._found_one, {"key": key})
        return bool(found) if found is not None else None

    async def __call__(self, key: str) -> bool:
        """Returns whether a delivery of this key is stored; False, too, where the database cannot tell."""
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
            if not self._tasks:
                spawn(self._ask(), "look keys up", self._tasks)
        return await asyncio.shield(answer)  # others may wait for it too

    async def _ask(self) -> None:
        while self._asked:
            together, self._asked = self._asked, {}
            found: set[str] = set()
            try:
                found = await self._look(list(together))
            except StoreError:  # the store has noted it; what is not protected runs all the same
                pass
            finally:
                for key, answer in together.items():
                    if not answer.done():
                        answer.set_result(key in found)

    async def _look(self, keys: Sequence[str]) -> set[str]:
        asked = {"rows": [{"key": key} for key in keys]}
        found = await self._store.ask(self._store.database.execute(self._found, asked))
        if found is None:
            found = await self._store.transact(lambda connection: self._found(connection, asked), reads=True)
        return {row[0] for row in found}
