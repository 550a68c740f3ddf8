"""Holds a listener whose deliveries keep dying of the same error: a bad release must not bury what arrives.

What comes for it waits in the inbox, in order, until an operator releases it or another version of the app runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from anchorbolt.bolt import slack_error, team_code
from anchorbolt.bolt.slack_words import OF_THIS_REQUEST, OF_THIS_WORKSPACE
from anchorbolt.errors import StoreError
from anchorbolt.inbox.holds import MOST_DEATHS, Hold, Holds, waits_for
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Stored
from anchorbolt.inbox.parking import HOLD, name_of
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.worker import transient
from anchorbolt.worker.obstacles import ALL

log = get_logger("worker")


class Holding:
    """The listeners of this version that are held, or may be soon, as is known here; an Obstacle (obstacles.py)."""

    needs_listener = True

    def __init__(self, inbox: Inbox, version: str) -> None:
        """`version`: of the app; a listener is held in the version in which it died."""
        self._inbox = inbox
        self._version = version
        self._holds = Holds(inbox.database.dialect)
        self.known: Mapping[str, Hold] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def held(self) -> int:
        """How many listeners are held."""
        return sum(one.held_seconds is not None for one in self.known.values())

    def holds(self, stored: Stored, listener: str | None) -> str | None:
        """Returns the hold that a delivery waits for."""
        listener = listener or stored.listener
        return waits_for(listener) if listener is not None and self._is_held(listener) else None

    def room(self, waits_for: str) -> int | None:
        """Returns whether a listener is still held, in this version of the app."""
        listener = name_of(waits_for, HOLD)
        if listener is None:
            return None
        return 0 if self._is_held(listener) else ALL

    async def refresh(self) -> None:
        """Reads what other processes have counted. Raises a StoreError."""
        found = await self._inbox.store.transact(
            lambda connection: self._holds.read(connection, self._version), reads=True
        )
        self.known = {one.listener: one for one in found}

    async def died(self, listener: str, error: Exception) -> None:
        """Counts a delivery that becomes a dead letter, and holds the listener if it is one too many."""
        said = fingerprint(error)
        try:
            deaths = await self._inbox.store.transact(
                lambda connection: self._holds.died(connection, listener, self._version, said)
            )
            await self.refresh()
        except StoreError:
            return  # the inbox logs that itself; the next one is counted
        self._inbox.announce_hold()
        if deaths == MOST_DEATHS:
            log.error(
                "listener held: what comes for it waits",
                listener=listener,
                died_of=said,
                app_version=self._version,
                to_release=f"anchorbolt inbox release {listener}",
            )

    def succeeded(self, listener: str | None) -> None:
        """Notes a run that ended well: the count of its listener begins again. Most listeners have none."""
        if listener is None or listener not in self.known or self._is_held(listener):
            return
        self.known = {name: one for name, one in self.known.items() if name != listener}
        spawn(self._forget(listener), "forget deaths", self._tasks)

    def _is_held(self, listener: str) -> bool:
        one = self.known.get(listener)
        return one is not None and one.held_seconds is not None

    async def _forget(self, listener: str) -> None:
        try:
            await self._inbox.store.transact(
                lambda connection: self._holds.succeeded(connection, listener, self._version)
            )
        except StoreError:
            return
        self._inbox.announce_hold()


def blames_the_app(error: BaseException, *, one_of_many: bool = False) -> bool:
    """Returns whether an error may be the fault of the release: not where Slack said no to this one channel or user.

    `one_of_many`: the workspace is one of several; then neither where Slack said no to this one workspace, as its
    deliveries would hold those of all others.
    """
    word = _word(error)
    return word not in OF_THIS_REQUEST and not (one_of_many and word in OF_THIS_WORKSPACE)


def fingerprint(error: BaseException) -> str:
    """Returns what makes two errors the same: class, place in the team's code, and Slack's word; no variable text."""
    where = team_code.place(error.__traceback__)
    word = _word(error)
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return " ".join([name, *([f"at {where}"] if where else []), *([f"({word[:64]})"] if word else [])])


def _word(error: BaseException) -> str | None:
    """Returns Slack's word for an error, or for the first of those that it came from which has one."""
    return next((word for link in transient.chain(error) if (word := slack_error.word(link)) is not None), None)
