"""Writes how a group of runs ended, and again what is not known to be written: each end counts once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anchorbolt.inbox.complete import Complete, Completed
from anchorbolt.inbox.complete_at_once import CompleteAtOnce
from anchorbolt.inbox.lease import Outcome
from anchorbolt.inbox.store import Store


class Completing:
    """What the group of completions is written by."""

    def __init__(
        self, store: Store, clock: Callable[[], float], complete: Complete, at_once: CompleteAtOnce | None
    ) -> None:
        """`at_once`: the way that costs less, where the database has it."""
        self._store = store
        self._clock = clock
        self._complete = complete
        self._at_once = at_once
        # What was written of a group before the rest of it failed: nothing of that is in doubt. By identity, for the
        # group holds its outcomes until all are written.
        self._written: dict[int, Completed] = {}

    async def __call__(self, outcomes: Sequence[Outcome], *, in_doubt: bool) -> Sequence[Completed]:
        """One answer an outcome. Raises a StoreError."""
        sent_at, left = self._clock(), self._unwritten(outcomes)
        if left and self._at_once is not None and self._store.up and not in_doubt:
            at_once = await self._store.ask(self._at_once(self._store.database, sent_at, left))
            self._written.update((id(left[n]), completed) for n, completed in at_once.items())
        if rest := self._unwritten(outcomes):
            answers = await self._store.transact(lambda c: self._complete(c, sent_at, rest, in_doubt=in_doubt))
            self._written.update(zip(map(id, rest), answers, strict=True))
        return [self._written.pop(id(outcome)) for outcome in outcomes]

    def _unwritten(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        return [outcome for outcome in outcomes if id(outcome) not in self._written]
