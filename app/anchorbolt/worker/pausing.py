"""Keeps from running what operators have paused: a listener, a kind, a workspace or a conversation."""

from __future__ import annotations

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Stored
from anchorbolt.inbox.parking import PAUSE, name_of
from anchorbolt.inbox.pauses import SCOPES, Pauses, waits_for
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.worker.obstacles import ALL

log = get_logger("worker")


class Pausing:
    """What this process knows of the pauses; an Obstacle (obstacles.py)."""

    needs_listener = False  # also kinds, workspaces and conversations are paused

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._pauses = Pauses(inbox.database.dialect)
        self.known: frozenset[tuple[str, str]] = frozenset()

    @property
    def paused(self) -> int:
        """How many pauses there are."""
        return len(self.known)

    def holds(self, stored: Stored, listener: str | None) -> str | None:
        """Returns the pause that a delivery waits for."""
        names = (listener or stored.listener, stored.kind, stored.workspace, stored.conversation)
        named = zip(SCOPES, names, strict=True)
        return next((waits_for(scope, name) for scope, name in named if name and (scope, name) in self.known), None)

    def room(self, waits_for: str) -> int | None:
        """Returns whether a pause goes on."""
        paused = name_of(waits_for, PAUSE)
        if paused is None:
            return None
        scope, _, name = paused.partition(":")
        return 0 if (scope, name) in self.known else ALL

    async def refresh(self) -> None:
        """Reads the pauses, and logs those that began and ended. Raises a StoreError."""
        found = await self._inbox.store.transact(self._pauses.read, reads=True)
        before, self.known = self.known, frozenset((one.scope, one.name) for one in found)
        for one in found:
            if (one.scope, one.name) not in before:
                log.warning("paused: what comes for it waits", scope=one.scope, paused=one.name, by=one.paused_by)
        for scope, name in before - self.known:
            log.warning("resumed", scope=scope, resumed=name)
