"""Claims lanes, and gives back what a claim took whose answer never came."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection

from anchorbolt.errors import StoreUnknownError
from anchorbolt.inbox.claim import Claim, Claimed
from anchorbolt.inbox.store import Store


class Claiming:
    """The claims of one process."""

    def __init__(
        self, store: Store, epochs: Iterator[int], clock: Callable[[], float], claim: Claim, lease_seconds: float
    ) -> None:
        self._store = store
        self._epochs = epochs
        self._clock = clock
        self._claim = claim
        self._lease_seconds = lease_seconds
        self._doubtful: dict[int, float] = {}  # epochs, and until when a lease of theirs can last

    async def __call__(self, most: int) -> Claimed:
        """Takes up to `most` lanes that wait. Raises a StoreError."""
        epoch, sent_at = next(self._epochs), self._clock()
        # Again and again: a commit may come to pass after its connection was given up.
        self._doubtful = {old: until for old, until in self._doubtful.items() if until > sent_at}
        doubtful = tuple(self._doubtful)

        def work(connection: Connection) -> Claimed:
            if doubtful:
                self._claim.give_back(connection, doubtful)
            return self._claim(connection, epoch, sent_at, most)

        try:
            return await self._store.transact(work)
        except StoreUnknownError:
            self._doubtful[epoch] = self._clock() + self._lease_seconds
            raise
