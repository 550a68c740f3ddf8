"""Parking: lanes that wait for something other than a time, such as the end of a pause or the release of a listener.

A delivery that may not run now is ended as `held`, and its lane says what it waits for. Nobody claims a parked lane for
PARK_SECONDS. What ends the wait wakes it. While the wait goes on, that time is put off, so that no lane is claimed
only to be parked again. Once no process of this version is left, nobody puts it off, and processes of older versions,
which know nothing of parking, claim the lane.
"""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, null, select, update

from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import lane

PARK_SECONDS = 900.0
# The sorts of what a lane waits for: its name is written behind a colon.
HOLD, PAUSE, LIMIT, BREAKER = SORTS = ("hold", "pause", "limit", "breaker")

_SAID = {
    HOLD: "waits, because its listener is held: {}",
    PAUSE: "waits, because it is paused: {}",
    LIMIT: "waits for its turn, because its listener has a limit: {}",
    BREAKER: "waits, because what it needs is down: {}",
}


def sentence(waits_for: str) -> str:
    """Says why a delivery waits, for its column `error`."""
    sort, _, name = waits_for.partition(":")
    return _SAID.get(sort, "waits for {}").format(name)


def sort_of(waits_for: str) -> str:
    """Returns the sort of what a lane waits for."""
    return waits_for.partition(":")[0]


def name_of(waits_for: str, sort: str) -> str | None:
    """Returns the name of what a lane waits for; None: that is not of this sort."""
    found, _, name = waits_for.partition(":")
    return name if found == sort else None


class Parking:
    """The statements. Each method is to be called in a transaction."""

    def waiting(self, connection: Connection) -> dict[str, int]:
        """Returns what lanes wait for, with the number of lanes."""
        parked = select(lane.c.waits_for, func.count()).where(lane.c.waits_for.is_not(None)).group_by(lane.c.waits_for)
        return {waits_for: count for waits_for, count in connection.execute(parked)}  # noqa: C416 - rows are no pairs

    def wake(self, connection: Connection, waits_for: str, most: int | None = None) -> int:
        """Lets lanes that wait for this be claimed at once, those that were parked first. Returns how many.

        `most`: how many at most; None: all of them. A lane that somebody else changes now is left for the next
        look: to wait for it could be a deadlock with those who lock lanes in their one order.
        """
        waiting = _free(waits_for).order_by(lane.c.claimable_at).limit(most)
        woken = update(lane).where(lane.c.name.in_(waiting)).values(claimable_at=now(), waits_for=null())
        return connection.execute(woken).rowcount

    def put_off(self, connection: Connection, waits_for: str) -> int:
        """Puts off the end of the parking of lanes that go on waiting, and keeps their order. Returns how many."""
        waiting = _free(waits_for).where(lane.c.claimable_at < now() + PARK_SECONDS / 2)
        later = lane.c.claimable_at + PARK_SECONDS / 2
        return connection.execute(update(lane).where(lane.c.name.in_(waiting)).values(claimable_at=later)).rowcount


def _free(waits_for: str) -> Select[tuple[str]]:
    """The names of the lanes that wait for this, which nobody holds or changes."""
    return (
        select(lane.c.name)
        .where(lane.c.waits_for == waits_for, lane.c.owner.is_(None))
        .with_for_update(skip_locked=True)
    )
