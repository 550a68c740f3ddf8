"""What the whole inbox does at this moment, for `inbox top`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from anchorbolt.inbox.parking import Parking
from anchorbolt.inbox.pods import Pods, SeenPod
from anchorbolt.inbox.retention import is_ended
from anchorbolt.inbox.sql import now, this_moment, word
from anchorbolt.inbox.tables import delivery, lane

MINUTE = 60.0
# The rate of what is accepted is that of so many deliveries at most: a look reads no more of them.
MOST_RECENT = 2_000


@dataclass(frozen=True, slots=True)
class Overview:
    """`ended`: by state, in the last minute. `running`: runs by process. `parked`: lanes by what they wait for.

    `accepted_per_second`: in the last minute, or in the time of the last MOST_RECENT. `pods`: all processes.
    `waiting`: deliveries whose listener is known, by listener: those that were attempted or parked.
    """

    accepted_per_second: float

    ended: dict[str, int]
    running: dict[str, int]
    parked: dict[str, int]
    waiting: dict[str, int]
    pods: list[SeenPod]


def look(connection: Connection) -> Overview:
    """Looks, by indexes and the lanes that have something pending."""
    ended = {}
    for state in ("done", "dead", "cancelled"):
        recent = select(func.count()).where(is_ended(state), delivery.c.ended_at > this_moment() - MINUTE)
        ended[state] = connection.execute(recent).scalar_one()
    running = select(lane.c.owner, func.count()).where(lane.c.owner.is_not(None), lane.c.claimable_at > now())
    waiting = (
        select(delivery.c.listener, func.count())
        .join(lane, lane.c.name == delivery.c.lane)
        .where(delivery.c.state == word("live"), delivery.c.listener.is_not(None), lane.c.owner.is_(None))
        .group_by(delivery.c.listener)
    )
    return Overview(
        _accepted_per_second(connection),
        ended,
        {owner: count for owner, count in connection.execute(running.group_by(lane.c.owner))},  # noqa: C416 - rows
        Parking().waiting(connection),
        {listener: count for listener, count in connection.execute(waiting)},  # noqa: C416 - rows are no pairs
        Pods(connection.dialect.name).read(connection),
    )


def _accepted_per_second(connection: Connection) -> float:
    recent = select(delivery.c.received_at).order_by(delivery.c.id.desc()).limit(MOST_RECENT).subquery()
    since = now() - func.min(recent.c.received_at)
    row = connection.execute(
        select(func.count().label("accepted"), since.label("seconds")).where(recent.c.received_at > now() - MINUTE)
    ).one()
    seconds = MINUTE if row.accepted < MOST_RECENT else max(row.seconds, 0.001)
    rate: float = row.accepted / seconds
    return rate
