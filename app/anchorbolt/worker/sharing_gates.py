"""Tells the other pods of a method that Slack has limited, and learns from them (bolt/web_api/gate.py)."""

from __future__ import annotations

import asyncio

from anchorbolt.bolt.web_api.gate import Gates
from anchorbolt.errors import StoreError
from anchorbolt.inbox.gates import SharedGate, SharedGates
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.telemetry.tasks import spawn

WRITTEN_WITHIN_SECONDS = 0.5


class SharingGates:
    """Writes the gates that Slack has made us shut, and reads those of other processes (a Reader of obstacles.py)."""

    def __init__(self, inbox: Inbox, gates: Gates) -> None:
        self._inbox = inbox
        self._gates = gates
        self._shared = SharedGates(inbox.database.dialect)
        self._tasks: set[asyncio.Task[None]] = set()
        gates.on_limit = self._limited

    async def refresh(self) -> None:
        """Shuts the gates that other processes have shut. Raises a StoreError."""
        for found in await self._inbox.store.transact(self._shared.read, reads=True):
            # Not what is known: it may be what we have written ourselves, a moment later than we shut the gate.
            if not self._gates.is_shut_for(found.method, found.workspace, found.seconds - WRITTEN_WITHIN_SECONDS):
                self._gates.learn(found.method, found.workspace, found.seconds, found.apart_seconds)

    def _limited(self, method: str, workspace: str, seconds: float, apart_seconds: float) -> None:
        if self._inbox.database.shared:
            spawn(self._tell(SharedGate(method, workspace, seconds, apart_seconds)), "tell of a gate", self._tasks)

    async def _tell(self, found: SharedGate) -> None:
        try:
            await self._inbox.store.transact(lambda connection: self._shared.shut(connection, found), reads=True)
        except StoreError:
            return  # the store logs that itself; the others find out by themselves
        self._inbox.announce_hold()
