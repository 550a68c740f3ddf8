"""The region that this pod is in: whether an operator has drained it."""

from __future__ import annotations

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.regions import Regions
from anchorbolt.telemetry.logs import get_logger

log = get_logger("worker")


class OwnRegion:
    """Its name and state; a Reader (obstacles.py). While the database is away, what was known last holds."""

    def __init__(self, inbox: Inbox, name: str) -> None:
        self.name = name
        self.drained = False
        self._inbox = inbox
        self._regions = Regions(inbox.database.dialect)

    async def refresh(self) -> None:
        """Reads which regions are drained, and logs a change of ours. Raises a StoreError."""
        found = await self._inbox.store.transact(self._regions.read, reads=True)
        ours = next((one for one in found if one.region == self.name), None)
        if ours is not None and not self.drained:
            log.warning("this region is drained: the global balancer is to send nothing here", by=ours.by)
        elif ours is None and self.drained:
            log.warning("this region takes traffic again")
        self.drained = ours is not None
