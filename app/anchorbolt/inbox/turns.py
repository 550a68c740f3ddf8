"""Turns: where lanes of several workspaces wait for slots, the workspaces are served one after the other.

Each gets a lane, then each a second one, and so on, its oldest first. A process remembers whose turn came last, so that
turns go on from one claim to the next. Lanes without a workspace have turns as if they were of one.

With six slots, and T1 that had the last turn, of lanes A to I in the order of their age:

    T1: A B C D E     T2: F G     T3: H I     are taken as     F H A G I B

The statement (`Round`) walks over the workspaces behind the last one ("ahead") and then over those before it ("again"),
one look into the index for each, until it has met as many as there are slots. Of each it reads its share: six slots for
three workspaces are two lanes. `__call__` then deals them out, one a round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice, zip_longest
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    func,
    select,
    union_all,
)

from anchorbolt.inbox.sql import POSTGRESQL, TEXT, WHOLE, number, this_moment, word
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import lane

Row = Sequence[Any]
Waits = Callable[[FromClause], ColumnElement[bool]]


def turn_of(of: FromClause) -> ColumnElement[str]:
    """Returns what the lane has its turn with, as the index `lane_turns` has it."""
    return func.coalesce(of.c.workspace, word(""))


def has_turns(of: FromClause) -> ColumnElement[bool]:
    """Returns whether the index `lane_turns` has the lane: not what runs or is parked."""
    return and_(of.c.owner.is_(None), of.c.waits_for.is_(None))


def several_wait() -> ColumnElement[bool]:
    """Returns whether lanes of several workspaces wait, for a time or for a slot: two looks into the index."""
    first, last = (select(of(turn_of(lane))).where(has_turns(lane)) for of in (func.min, func.max))
    return first.scalar_subquery() != last.scalar_subquery()


class Round:
    """The statement that finds the oldest lanes of each workspace, workspace by workspace, from one on."""

    def __init__(self, dialect: str, waits: Waits, may_go: Waits) -> None:
        """`waits`: which lanes have turns; there must be an index of these. `may_go`: which of them are taken now."""
        last, most = bindparam("last", type_=TEXT()), bindparam("most", type_=WHOLE())
        ahead = _walk("ahead", most, waits, may_go, turn_of(lane) > last)
        again = _walk("again", most, waits, may_go, turn_of(lane) <= last, turn_of(lane) <= last)
        walks = [
            select(number(part).label("part"), walk.c.place, walk.c.turn).where(walk.c.turn.is_not(None))
            for part, walk in enumerate((ahead, again))
        ]
        places = union_all(*walks).cte("places")
        all_places = places.alias("all_places")
        share = select((most + func.count() - number(1)) // func.count()).select_from(all_places).scalar_subquery()
        of_it = lane.alias("of_it")
        oldest = (
            select(of_it.c.name, of_it.c.owner, of_it.c.cancel_id, of_it.c.cancelled_by, of_it.c.claimable_at)
            .where(turn_of(of_it) == places.c.turn, waits(of_it), may_go(of_it))
            .order_by(of_it.c.claimable_at)
            .limit(share)
        )
        self._in_turn = Statement(dialect, _each(dialect, places, oldest))

    def __call__(self, connection: Connection, last: str, most: int, **parameters: Any) -> list[tuple[str, Row]]:
        """Returns lanes in the order of turns, each with its workspace; locked, where others may ask at once.

        `last`: the workspace whose turn came last. `most`: how many lanes are wanted; it may return more.
        `parameters`: those of `waits` and `may_go`.
        """
        turns: dict[str, list[Row]] = {}
        for turn, *row in self._in_turn(connection, {"last": last, "most": most, **parameters}):
            turns.setdefault(turn, []).append(row)
        rounds = zip_longest(*([(turn, row) for row in rows] for turn, rows in turns.items()))
        return [one for round_ in rounds for one in round_ if one is not None]


class Turns:
    """Takes the workspaces in turn, for the claims of one process."""

    def __init__(self, dialect: str) -> None:
        self._last = ""  # the workspace whose turn came last
        self._round = Round(dialect, has_turns, _can_be_claimed)

    def __call__(self, connection: Connection, oldest: Sequence[Row], most: int) -> list[Row]:
        """Returns up to `most` lanes in the order of turns, after those of `oldest` that another process had held.

        `oldest`: the lanes that wait longest, of whatever workspace; they fill up what the turns leave.
        """
        rounds = self._round(connection, self._last, most)
        taken_over = [row for row in oldest if row[1] is not None]
        ordered = {row[0]: row for row in chain(taken_over, (row for _, row in rounds), oldest)}
        taken = dict(islice(ordered.items(), most))
        self._last = next((turn for turn, row in reversed(rounds) if row[0] in taken), self._last)
        return list(taken.values())


def _can_be_claimed(of: FromClause) -> ColumnElement[bool]:
    """Whether its time has come; urgent events are claimed beside all others."""
    return and_(of.c.claimable_at <= this_moment(), func.substr(of.c.name, number(1), number(1)) != word("!"))


def _walk(  # noqa: PLR0917 - what one of two halves of the walk differs in, and what it does not
    name: str,
    most: ColumnElement[int],
    waits: Waits,
    may_go: Waits,
    begins: ColumnElement[bool],
    ends: ColumnElement[bool] | None = None,
) -> CTE:
    """The workspaces of which lanes wait, one look into the index each, until `most` of them can go.

    `begins`: where the first one is looked for. `ends`: up to where the others are.
    """

    def first(*there: ColumnElement[bool]) -> ScalarSelect[str]:
        return select(func.min(turn_of(lane))).where(waits(lane), *there).scalar_subquery()

    walk = select(first(begins).label("turn"), number(0).label("place")).cte(name, recursive=True)
    # With one bound below alone: SQLite would go to one of two, and walk from there.
    following = first(turn_of(lane) > walk.c.turn, *([ends] if ends is not None else []))
    soonest = lane.alias("soonest")
    one = select(soonest.c.name).where(waits(soonest), turn_of(soonest) == walk.c.turn, may_go(soonest))
    # Not EXISTS: PostgreSQL would look at all lanes first, to answer it for any workspace.
    found = one.order_by(soonest.c.claimable_at).limit(number(1)).scalar_subquery()
    can_go = case((found.is_not(None), number(1)), else_=number(0))
    step = select(following, walk.c.place + can_go)
    return walk.union_all(step.where(walk.c.turn.is_not(None), walk.c.place < most))


def _each(dialect: str, places: CTE, oldest: Select[Any]) -> Select[Any]:
    """The lanes of each place in their order; locked, where others may claim at the same time."""
    if dialect == POSTGRESQL:
        found: Any = oldest.with_for_update(skip_locked=True).lateral("found")
        joined = places.join(found, number(1) == number(1))
    else:  # SQLite has no LATERAL
        found = lane.alias("found")
        joined = places.join(found, found.c.name.in_(oldest.with_only_columns(oldest.selected_columns.name)))
    return (
        select(places.c.turn, found.c.name, found.c.owner, found.c.cancel_id, found.c.cancelled_by)
        .select_from(joined)
        .order_by(places.c.part, places.c.place, found.c.claimable_at)
    )
