"""Parking: lanes that wait for something other than a time, such as the end of a pause or the release of a listener.

A delivery that may not run now is ended as `held`, and its lane says what it waits for. Nobody claims a parked lane for
PARK_SECONDS. What ends the wait wakes it. While the wait goes on, that time is put off, so that no lane is claimed
only to be parked again. Once no process of this version is left, nobody puts it off, and processes of older versions,
which know nothing of parking, claim the lane.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, bindparam, func, null, select, true, update

from anchorbolt.inbox.sql import TEXT, now
from anchorbolt.inbox.tables import lane
from anchorbolt.inbox.turns import Round

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

    def wake(self, connection: Connection, waits_for: str) -> int:
        """Lets all lanes that wait for this be claimed at once. Returns how many.

        A lane that somebody else changes now is left for the next look: to wait for it could be a deadlock with those
        who lock lanes in their one order.
        """
        woken = update(lane).where(lane.c.name.in_(_free(waits_for)))
        return connection.execute(woken.values(claimable_at=now(), waits_for=null())).rowcount

    def put_off(self, connection: Connection, waits_for: str) -> int:
        """Puts off the end of the parking of lanes that go on waiting, and keeps their order. Returns how many."""
        waiting = _free(waits_for).where(lane.c.claimable_at < now() + PARK_SECONDS / 2)
        later = lane.c.claimable_at + PARK_SECONDS / 2
        return connection.execute(update(lane).where(lane.c.name.in_(waiting)).values(claimable_at=later)).rowcount


class WakingInTurn:
    """Wakes some of the lanes that wait for one thing, for which there is not room at once. Workspaces take turns."""

    def __init__(self, dialect: str) -> None:
        self._round = Round(dialect, _is_parked, lambda _: true())
        self._last: dict[str, str] = {}  # the workspace whose turn came last, by what is waited for

    def __call__(self, connection: Connection, waits_for: str, most: int) -> int:
        """Lets up to `most` lanes be claimed at once, of each workspace those that were parked first. Returns how many.

        To be called in a transaction. A lane that somebody else changes now is left for the next look.
        """
        chosen = self._round(connection, self._last.get(waits_for, ""), most, waits_for=waits_for)[:most]
        if not chosen:
            self._last.pop(waits_for, None)
            return 0
        self._last[waits_for] = chosen[-1][0]
        woken = update(lane).where(lane.c.name.in_([name for _, (name, *_) in chosen]))
        return connection.execute(woken.values(claimable_at=now(), waits_for=null())).rowcount


def _is_parked(of: FromClause) -> ColumnElement[bool]:
    """Whether a lane waits for that, as the index `lane_parked_turns` has it."""
    return and_(of.c.waits_for == bindparam("waits_for", type_=TEXT()), of.c.owner.is_(None))


def _free(waits_for: str) -> Select[tuple[str]]:
    """The names of the lanes that wait for this, which nobody holds or changes."""
    return (
        select(lane.c.name)
        .where(lane.c.waits_for == waits_for, lane.c.owner.is_(None))
        .with_for_update(skip_locked=True)
    )
