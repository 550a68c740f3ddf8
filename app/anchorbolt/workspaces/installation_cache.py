"""Finds the installation that a delivery belongs to: in memory, and in the database for what is not known yet.

What another process has changed is read again when it says so (Wake.WORKSPACES), and after FRESH_SECONDS in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from anchorbolt.encryption import Keys
from anchorbolt.errors import StoreError
from anchorbolt.inbox.store import Store
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.workspaces.installation import Installation, UserToken
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.memory import FRESH_SECONDS, Memory

# How many are remembered, of about 1.5 KB each.
MOST = 10_000
# So many are compared in one transaction: a few milliseconds.
LOT = 1_000


class InstallationCache:
    """The installations and the users' tokens, as one process knows them."""

    def __init__(self, store: Store, keys: Keys, *, most: int = MOST, wake_others: Callable[[], None]) -> None:
        """`most`: how many installations, and how many users' tokens, it remembers. `wake_others`: tells processes."""
        self.installations = Installations(store.database.dialect, keys)
        self._store = store
        self._wake_others = wake_others
        self._known: Memory[str, Installation] = Memory(most)
        self._users: Memory[tuple[str, str], UserToken] = Memory(most)
        self._reading: dict[tuple[str, ...], asyncio.Task[dict[str, Installation]]] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._changes = 0  # a read that began before a change must not be remembered
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, workspaces: Sequence[str]) -> Installation | None:
        """Returns the installation of the first of these workspaces and organizations that has one.

        While the database is away, what was known before counts. Raises a StoreError where nothing was.
        """
        is_known, found = self._look(workspaces)
        if not is_known and found is not None:  # it is too old: most often nothing has changed
            await self._renew_together()
            is_known, found = self._look(workspaces)
        if is_known:
            metrics.installation_lookups.add("hit" if found is not None else "not_installed")
            return found
        try:
            read = await self._read_together(tuple(workspaces))
        except StoreError:
            if found is None:
                raise
            return found
        found = next((read[name] for name in workspaces if name in read), None)
        metrics.installation_lookups.add("miss" if found is not None else "not_installed")
        return found

    def _look(self, workspaces: Sequence[str]) -> tuple[bool, Installation | None]:
        """Returns whether memory can tell, and the first that it has, however old."""
        now, is_known = self._store.clock(), True
        for name in workspaces:
            known = self._known.get(name)
            is_known = is_known and known is not None and known.until > now
            if known is not None and known.found is not None:
                return is_known, known.found
        return is_known, None

    async def find_user(self, workspace: str, user_id: str) -> UserToken | None:
        """Returns the token of a user, if there is one. Raises a StoreError."""
        key, now = (workspace, user_id), self._store.clock()
        known = self._users.get(key)
        if known is not None and known.until > now:
            return known.found
        changes = self._changes
        found = await self._store.transact(lambda c: self.installations.find_user(c, workspace, user_id), reads=True)
        if changes == self._changes:
            self._users.put(key, found, now)
        return found

    def changed(self, workspace: str) -> None:
        """Forgets a workspace here and in the other processes. To be called after the commit of a change."""
        self._forget_reads()
        self._known.forget(workspace)
        self._wake_others()

    def recheck(self) -> None:
        """Forgets what another process has changed."""
        self._forget_reads()
        if self._known and not self._tasks:
            spawn(self._recheck(), "recheck of installations", self._tasks)

    def _forget_reads(self) -> None:
        """Lets nobody use what was read before a change, or is being read."""
        self._changes += 1
        self._reading.clear()
        self._users.clear()

    async def _recheck(self) -> None:
        changes = None
        while changes != self._changes:  # who is told meanwhile may have been told of a later change
            changes = self._changes
            try:
                await self._compare()
            except StoreError:
                self._known.expire()  # whoever asks next compares again
                return

    async def _renew_together(self) -> None:
        """Looks whether anything has changed of all that is known, once for all that ask meanwhile.

        To read each again when its time is over would cost more than half of an event each time.
        """
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew(), name="renew installations")
        await asyncio.shield(self._renewing)

    async def _renew(self) -> None:
        try:
            await self._compare()
        except StoreError:
            pass  # who asked reads what it asks for, and is told
        finally:
            self._renewing = None

    async def _compare(self) -> None:
        """Forgets what has changed, and lets the rest count anew. Raises a StoreError."""
        names = self._known.forget_absent()
        for begin in range(0, len(names), LOT):
            lot, now = {name: self._known.get(name) for name in names[begin : begin + LOT]}, self._store.clock()
            versions = await self._store.transact(lambda c: self.installations.versions(c, lot), reads=True)  # noqa: B023 - it is called at once
            for name, known in lot.items():
                if known is None or known.found is None or self._known.get(name) is not known:
                    continue
                if versions.get(name) == known.found.updated_at:
                    known.until = now + FRESH_SECONDS
                else:
                    self._known.forget(name)

    async def _read_together(self, workspaces: tuple[str, ...]) -> dict[str, Installation]:
        """Reads once for all that ask for the same at the same time."""
        reading = self._reading.get(workspaces)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(self._read(workspaces), name="read installations")
            self._reading[workspaces] = reading
            reading.add_done_callback(lambda ended: self._read_ended(workspaces, ended))
        return await asyncio.shield(reading)

    def _read_ended(self, workspaces: tuple[str, ...], ended: asyncio.Task[dict[str, Installation]]) -> None:
        if self._reading.get(workspaces) is ended:
            del self._reading[workspaces]
        if not ended.cancelled():
            ended.exception()  # who waited has it; where nobody waits any more, it is no error of anybody's

    async def _read(self, workspaces: tuple[str, ...]) -> dict[str, Installation]:
        changes, now = self._changes, self._store.clock()
        read = await self._store.transact(lambda c: self.installations.find(c, workspaces), reads=True)
        if changes == self._changes:
            for name in workspaces:
                self._known.put(name, read.get(name), now)
        return read
