"""Admin: what operators do to the inbox. They list, show, replay, discard and pause; one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, null, or_, select, update

from anchorbolt.encryption import KEY_NAME_CHARACTERS, MARK, Keys, is_encrypted
from anchorbolt.inbox import delivery_encryption
from anchorbolt.inbox.history import Past
from anchorbolt.inbox.holds import Hold, Holds
from anchorbolt.inbox.lookup import is_named, running_seconds
from anchorbolt.inbox.retention import is_ended
from anchorbolt.inbox.rows import rows
from anchorbolt.inbox.sql import TEXT, WHOLE, insert, now, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import delivery, inbox, lane

# What `list` shows as a state; `running` and `waiting` are both live.
STATES = ("waiting", "running", "dead", "cancelled", "done")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries. None: any; for the state, any but done. Ages in seconds; `error` is a part of its text.

    `since_seconds`: it ended so long ago at most, or came, if it has not ended. `most`: how many are listed.
    `slowest_first`: those whose attempt began first; of what runs.
    """

    state: str | None = None
    kind: str | None = None
    lane: str | None = None
    error: str | None = None
    older_than_seconds: float | None = None
    younger_than_seconds: float | None = None
    most: int = 50
    listener: str | None = None
    conversation: str | None = None
    workspace: str | None = None
    since_seconds: float | None = None
    newest_first: bool = False
    slowest_first: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery as an operator sees it."""

    id: int
    key: str
    state: str
    kind: str
    lane: str
    attempts: int
    crashes: int
    age_seconds: float
    error: str | None
    owner: str | None
    next_in_seconds: float | None
    content_type: str
    listener: str | None
    workspace: str | None
    conversation: str | None
    running_seconds: float | None  # since when its run goes on
    waits_for: str | None
    body: str | None = field(repr=False)
    attempts_before: list[Past] = field(default_factory=list, repr=False)
    undecryptable: str | None = None  # why its body and its attempts are not here


class Admin:
    """What operators do, for the dialect of one database."""

    def __init__(self, dialect: str, keys: Keys | None = None) -> None:
        """`keys`: of TOKEN_KEYS, with which bodies and attempts may be encrypted."""
        self._dialect = dialect
        self._keys = keys or Keys()

    def entries(self, connection: Connection, wanted: Filter) -> list[Entry]:
        """The oldest first, unless the filter says otherwise, without their bodies, which may be large."""
        order: ColumnElement[Any] = delivery.c.id.desc() if wanted.newest_first else delivery.c.id
        if wanted.slowest_first:
            order = running_seconds().desc()
        found = connection.execute(self._entries(wanted).order_by(order).limit(wanted.most))
        return [_entry(row) for row in found]

    def count(self, connection: Connection, wanted: Filter) -> int:
        """How many deliveries the filter leaves, whatever its `most`."""
        found: int = connection.execute(select(func.count()).select_from(self._entries(wanted).subquery())).scalar_one()
        return found

    def dead(self, connection: Connection, wanted: Filter) -> list[int]:
        """The ids of all dead letters that the filter leaves, whatever its state and its `most`; the oldest first."""
        conditions = self._conditions(wanted, now() - delivery.c.received_at)
        return sorted(connection.execute(select(delivery.c.id).where(is_ended("dead"), *conditions)).scalars())

    def counts(self, connection: Connection) -> dict[str, int]:
        """How many there are of each state: from the lanes and an index, because tombstones may be millions."""
        running = func.count(lane.c.owner)
        found = connection.execute(select(func.coalesce(func.sum(lane.c.pending), 0) - running, running)).one()
        ended = connection.execute(
            select(delivery.c.state, func.count()).where(delivery.c.state != word("live")).group_by(delivery.c.state)
        )
        counted = {state: count for state, count in ended}  # noqa: C416 - rows are no pairs
        return dict.fromkeys(STATES, 0) | {"waiting": int(found[0]), "running": found[1]} | counted

    def find(self, connection: Connection, name: str) -> Entry | None:
        """By its key, or by its id."""
        row = connection.execute(self._entries(None).where(is_named(name))).first()
        if row is None:
            return None
        body, before, why_not = delivery_encryption.shown(self._keys, row.key, row.body, row.history)
        return replace(_entry(row), body=body, attempts_before=before, undecryptable=why_not)

    def without_key(self, connection: Connection, ids: Sequence[int]) -> int:
        """How many of these deliveries are encrypted with a key that is not among ours."""
        # The mark and the name of the key, of a body that may be large.
        head = func.substr(delivery.c.body, 1, len(MARK) + KEY_NAME_CHARACTERS)
        counted = connection.execute(select(head, func.count()).where(delivery.c.id.in_(list(ids))).group_by(head))
        return sum(count for text, count in counted if is_encrypted(text or "") and not self._keys.has_key_of(text))

    def replay(self, connection: Connection, ids: Sequence[int]) -> int:
        """Dead letters, and what was cancelled, live again, with all their attempts. Returns how many there were."""
        dead = self._lock_dead(connection, ids)
        if not dead:
            return 0
        lanes: dict[str, dict[str, Any]] = {}
        for row in dead:  # the oldest first: a lane has its turns with the workspace of that one (turns.py)
            lanes.setdefault(row.lane, {"name": row.lane, "n": 0, "workspace": row.workspace})["n"] += 1
        r = rows(self._dialect, {"name": TEXT, "n": WHOLE, "workspace": TEXT})
        into = insert(self._dialect, lane).from_select(
            ["name", "pending", "epoch", "claimable_at", "workspace"],
            select(r.c.name, r.c.n, 0 * r.c.n, now(), r.c.workspace).where(r.c.n > 0).order_by(r.c.name),
        )
        count_up = into.on_conflict_do_update(
            index_elements=[lane.c.name], set_={"pending": lane.c.pending + into.excluded.pending}
        )
        Statement(self._dialect, count_up)(connection, {"rows": [lanes[name] for name in sorted(lanes)]})
        connection.execute(
            update(delivery)
            .where(delivery.c.id.in_([row.id for row in dead]))
            .values(state="live", attempts=0, crashes=0, error=None, ended_at=None)
        )
        return len(dead)

    def discard(self, connection: Connection, ids: Sequence[int]) -> int:
        """Dead letters become tombstones: nothing of them is left but the key. How many there were."""
        dead = self._lock_dead(connection, ids)
        if dead:
            connection.execute(
                update(delivery)
                .where(delivery.c.id.in_([row.id for row in dead]))
                .values(state="done", body=None, headers=None, history=None, error=None, ended_at=now())
            )
        return len(dead)

    def pause(self, connection: Connection, *, paused: bool, paused_by: str | None = None) -> None:
        """Pauses the whole inbox, or ends that: while it is paused all is accepted, and no run begins in any pod.

        Pods follow within a second. `paused_by`: who said so; of a second pause the first name is kept.
        """
        since = func.coalesce(inbox.c.paused_at, now()) if paused else None
        by = case((inbox.c.paused_at.is_not(None), inbox.c.paused_by), else_=paused_by) if paused else None
        connection.execute(update(inbox).values(paused_at=since, paused_by=by))

    def paused_by(self, connection: Connection) -> str | None:
        """Who has paused everything, where that is known."""
        by: str | None = connection.execute(select(inbox.c.paused_by)).scalar_one_or_none()
        return by

    def paused_for_seconds(self, connection: Connection) -> float | None:
        """Since when nothing runs; None when all goes on."""
        return connection.execute(select(now() - inbox.c.paused_at)).scalar_one_or_none()

    def holds(self, connection: Connection) -> list[Hold]:
        """The listeners whose deliveries died lately, those that are held among them, of all versions of the app."""
        return Holds(self._dialect).read(connection)

    def release(self, connection: Connection, listener: str) -> bool:
        """Lets a held listener go on. Returns whether it was held."""
        return Holds(self._dialect).release(connection, listener)

    def _lock_dead(self, connection: Connection, ids: Sequence[int]) -> Sequence[Row[Any, Any, Any]]:
        return connection.execute(
            select(delivery.c.id, delivery.c.lane, delivery.c.workspace)
            .where(delivery.c.id.in_(list(ids)), delivery.c.state.in_(["dead", "cancelled"]))
            .order_by(delivery.c.id)
            .with_for_update()
        ).all()

    def _entries(self, wanted: Filter | None) -> Select[Any]:
        """A filter's, without bodies; or of any delivery, whole."""
        age = now() - delivery.c.received_at
        conditions = [*self._of_state(wanted.state), *self._conditions(wanted, age)] if wanted is not None else []
        body = null().label("body") if wanted is not None else delivery.c.body
        return (
            select(
                *(column for column in delivery.c if column.name not in ("body", "headers", "history")),
                body,
                null().label("history") if wanted is not None else delivery.c.history,
                running_seconds().label("running"),
                lane.c.waits_for,
                self._state().label("shown"),
                age.label("age"),
                lane.c.owner,
                (lane.c.claimable_at - now()).label("next_in"),
            )
            .select_from(self._joined())
            .where(and_(True, *conditions))
        )

    def _of_state(self, state: str | None) -> list[ColumnElement[bool]]:
        if state is None:
            return [or_(delivery.c.state == word("live"), delivery.c.state == word("dead"))]
        if state in ("waiting", "running"):  # the indexes know live, done and dead
            return [delivery.c.state == word("live"), self._state() == state]
        return [is_ended(state)]

    @staticmethod
    def _conditions(wanted: Filter, age: ColumnElement[float]) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if wanted.kind is not None:
            conditions.append(delivery.c.kind == wanted.kind)
        if wanted.lane is not None:
            conditions.append(delivery.c.lane == wanted.lane)
        if wanted.error is not None:
            conditions.append(delivery.c.error.contains(wanted.error, autoescape=True))
        conditions += [
            column == value
            for column, value in (
                (delivery.c.listener, wanted.listener),
                (delivery.c.conversation, wanted.conversation),
                (delivery.c.workspace, wanted.workspace),
            )
            if value is not None
        ]
        if wanted.since_seconds is not None:
            since = func.coalesce(delivery.c.ended_at, delivery.c.received_at)
            conditions.append(now() - since < wanted.since_seconds)
        if wanted.older_than_seconds is not None:
            conditions.append(age > wanted.older_than_seconds)
        if wanted.younger_than_seconds is not None:
            conditions.append(age < wanted.younger_than_seconds)
        return conditions

    def _joined(self) -> Any:
        return delivery.outerjoin(lane, and_(lane.c.name == delivery.c.lane, delivery.c.state == "live"))

    def _state(self) -> ColumnElement[str]:
        """A live delivery runs when it is the oldest of a lane that somebody holds."""
        earlier = delivery.alias("earlier")
        is_behind = (
            select(earlier.c.id)
            .where(earlier.c.lane == delivery.c.lane, earlier.c.state == "live", earlier.c.id < delivery.c.id)
            .exists()
        )
        return case(
            (delivery.c.state != "live", delivery.c.state),
            (and_(lane.c.owner.is_not(None), ~is_behind), "running"),
            else_="waiting",
        )


def _entry(row: Row[Any]) -> Entry:
    waits = row.shown == "waiting" and row.next_in is not None and row.owner is None
    return Entry(
        id=row.id,
        key=row.key,
        state=row.shown,
        kind=row.kind,
        lane=row.lane,
        attempts=row.attempts,
        crashes=row.crashes,
        age_seconds=row.age,
        error=row.error,
        owner=row.owner if row.shown == "running" else None,
        next_in_seconds=max(0.0, row.next_in) if waits else None,
        content_type=row.content_type,
        listener=row.listener,
        workspace=row.workspace,
        conversation=row.conversation,
        running_seconds=max(0.0, row.running) if row.shown == "running" else None,
        waits_for=row.waits_for if waits else None,
        body=row.body,
    )
