"""What operators and listeners do to deliveries that run or wait: cancel, skip, discard, run now.

A run is cancelled by the process that has it: its lane says which delivery is to be cancelled, and the process looks.
The lane goes on saying so if that process dies, so that whoever claims the lane next cancels the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, delete, func, null, select, update

from anchorbolt.inbox.lookup import is_named, running_seconds
from anchorbolt.inbox.sql import now, word
from anchorbolt.inbox.tables import delivery, lane


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery as it was found. `state`: running, waiting, dead, done or cancelled. `seconds`: since when it runs."""

    id: int
    key: str
    state: str
    lane: str
    owner: str | None
    seconds: float | None


class Stopping:
    """The statements. Each method is to be called in a transaction."""

    def find(self, connection: Connection, name: str) -> Found | None:
        """Finds a delivery by its key or its id, and locks its lane. None: there is none."""
        named = connection.execute(select(delivery.c.id, delivery.c.lane).where(is_named(name))).first()
        if named is None:
            return None
        owner = self._lock(connection, named.lane)
        # Only now: while we waited for the lane, the delivery may have ended.
        columns = (delivery.c.id, delivery.c.key, delivery.c.state, delivery.c.lane)
        of_it = connection.execute(select(*columns).where(delivery.c.id == named.id)).first()
        return self._state(connection, of_it, owner) if of_it is not None else None

    def cancel(self, connection: Connection, found: Found, by: str) -> None:
        """Asks the process that runs the delivery `found` to cancel it. `by`: who said so."""
        connection.execute(update(lane).where(lane.c.name == found.lane).values(cancel_id=found.id, cancelled_by=by))

    def cancel_lane(self, connection: Connection, name: str, by: str) -> bool:
        """Asks for what runs in the lane `name` to be cancelled. Returns whether something runs. `by`: who said so."""
        if self._lock(connection, name) is None:
            return False
        # In a statement of its own: one that waits for the lane would still see as live what has ended meanwhile.
        runs = update(lane).where(lane.c.name == name)
        return connection.execute(runs.values(cancel_id=_oldest(name), cancelled_by=by)).rowcount > 0

    def asked(self, connection: Connection, owner: str) -> dict[int, str]:
        """Returns the ids of the deliveries that this owner is to cancel, and who said so."""
        wanted = select(lane.c.cancel_id, lane.c.cancelled_by).where(
            lane.c.owner == owner, lane.c.cancel_id.is_not(None)
        )
        return {row.cancel_id: row.cancelled_by or "somebody" for row in connection.execute(wanted)}

    def end(self, connection: Connection, found: Found, state: str, error: str | None) -> bool:
        """Ends a delivery that waits. Returns whether it had not ended before.

        Args:
            connection: of the transaction.
            found: the delivery, as `find` returned it.
            state: `dead` or `done`.
            error: why it is dead; None for `done`.

        Where it was the head, the rest of its lane can go on at once. Otherwise the head keeps its lease, or its wait.
        """
        values: dict[str, Any] = {"state": state, "error": error, "ended_at": now()}
        if state == "done":
            values |= {"body": null(), "headers": null(), "history": null()}
        was_head = connection.execute(select(_oldest(found.lane))).scalar_one() == found.id
        live = (delivery.c.id == found.id, delivery.c.state == word("live"))
        if not connection.execute(update(delivery).where(*live).values(**values)).rowcount:
            return False
        of_lane: dict[str, Any] = {
            "pending": lane.c.pending - 1,
            "cancel_id": case((lane.c.cancel_id == found.id, null()), else_=lane.c.cancel_id),
        }
        if was_head:
            of_lane |= {"claimable_at": now(), "waits_for": null()}
        left = connection.execute(
            update(lane).where(lane.c.name == found.lane).values(**of_lane).returning(lane.c.pending)
        ).scalar_one()
        if left <= 0:
            connection.execute(delete(lane).where(lane.c.name == found.lane))
        return True

    def run_now(self, connection: Connection, name: str) -> bool:
        """Lets a lane be claimed at once, whatever it waits for. Returns whether it was there and nobody held it."""
        free = update(lane).where(lane.c.name == name, lane.c.owner.is_(None))
        return connection.execute(free.values(claimable_at=now(), waits_for=null())).rowcount > 0

    def _lock(self, connection: Connection, name: str) -> str | None:
        """Locks a lane, and returns its owner. None: nobody holds it."""
        owner = select(lane.c.owner).where(lane.c.name == name).with_for_update()
        return connection.execute(owner).scalar_one_or_none()

    def _state(self, connection: Connection, of_it: Any, owner: str | None) -> Found:
        runs = of_it.state == "live" and owner is not None
        started = None
        if runs:
            head = connection.execute(
                select(delivery.c.id, running_seconds().label("seconds")).where(
                    delivery.c.id == _oldest(of_it.lane), delivery.c.state == word("live")
                )
            ).first()
            runs = head is not None and head.id == of_it.id
            started = head.seconds if runs and head is not None else None
        state = "running" if runs else "waiting" if of_it.state == "live" else of_it.state
        return Found(of_it.id, of_it.key, state, of_it.lane, owner if runs else None, started)


def _oldest(name: str) -> Any:
    live = (delivery.c.state == word("live"), delivery.c.lane == name)
    return select(func.min(delivery.c.id)).where(*live).scalar_subquery()
