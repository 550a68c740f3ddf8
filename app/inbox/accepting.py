"""Writes a group of deliveries, and again when its commit may have happened: what that commit took is then ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.errors import StoreUnknownError
from app.inbox.accept import Accept, Accepted, Item
from app.inbox.accept_at_once import AcceptAtOnce
from app.inbox.store import Store


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
        self._doubtful_epoch: int | None = None

    async def __call__(self, items: Sequence[Item]) -> Sequence[Accepted]:
        """One answer an item. Raises a StoreError."""
        # The epoch of a commit that may have happened is used again: what that commit took is then known as ours.
        doubtful, sent_at = self._doubtful_epoch, self._clock()
        epoch = doubtful or next(self._epochs)
        answers: Sequence[Accepted] | None = None
        try:
            if self._at_once is not None and self._store.up and doubtful is None:
                answers = await self._store.ask(self._at_once(self._store.database, epoch, sent_at, items))
            if answers is None:
                answers = await self._store.transact(lambda connection: self._accept(connection, epoch, sent_at, items))
        except StoreUnknownError:
            self._doubtful_epoch = epoch
            raise
        self._doubtful_epoch = None
        return answers
