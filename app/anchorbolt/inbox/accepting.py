"""Writes a group of deliveries, and again when its commit may have happened: what that commit took is then ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from anchorbolt.inbox.accept import Accept, Accepted, Item
from anchorbolt.inbox.accept_at_once import AcceptAtOnce
from anchorbolt.inbox.store import Store


class Accepting:
    """What the group of accepts is written by."""

    def __init__(
        self,
        store: Store,
        epochs: Iterator[int],
        clock: Callable[[], float],
        accept: Accept,
        at_once: AcceptAtOnce | None,
    ) -> None:
        """`at_once`: the way that costs less, where the database has it."""
        self._store = store
        self._epochs = epochs
        self._clock = clock
        self._accept = accept
        self._at_once = at_once
        self._epoch = 0
        self._told: set[str] = set()  # lanes of what is in doubt, where a part of it is known by now

    async def __call__(self, items: Sequence[Item], *, in_doubt: bool) -> Sequence[Accepted]:
        """One answer an item. Raises a StoreError."""
        sent_at = self._clock()
        # The epoch of a commit that may have happened is used again: what that commit took is then known as ours.
        if not in_doubt:
            self._epoch = next(self._epochs)
            self._told.clear()
        epoch, told = self._epoch, self._told
        answers: Sequence[Accepted] | None = None
        if self._at_once is not None and self._store.up and not in_doubt:
            answers = await self._store.ask(self._at_once(self._store.database, epoch, sent_at, items))
        if answers is None:
            answers = await self._store.transact(
                lambda connection: self._accept(connection, epoch, sent_at, items, told)
            )
        if in_doubt:
            told.update(item.lane for item in items)
        return answers
