"""`inbox replay` and `inbox discard`: both work through the chosen deliveries in lots, a transaction each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

from anchorbolt.cli.inbox.options import (
    Conversation,
    Error,
    Kind,
    Lane,
    Listener,
    OlderThan,
    Since,
    Workspace,
    YoungerThan,
    seconds,
)
from anchorbolt.cli.inbox.session import PATIENT_SECONDS, opened, unknown
from anchorbolt.cli.inbox.stopping import STOPPING, told
from anchorbolt.errors import AnchorboltError
from anchorbolt.inbox.admin import Admin, Filter

Keys = Annotated[list[str] | None, typer.Argument(help="Keys or ids, as `inbox list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters that match the filters.")]

# Dead letters in one transaction: few enough that it blocks nobody, and that PostgreSQL does not end it as idle (2 s).
LOT = 500
WITHOUT_KEY = (
    "{} of them are encrypted with a key that TOKEN_KEYS does not have here: they run only if the pods have it,"
    " and are dead letters again after a while if not"
)


@dataclass(frozen=True)
class _Verb:
    past: str
    do: Callable[[Admin, Connection, Sequence[int]], int]

    def to(self, admin: Admin, ids: Sequence[int]) -> Callable[[Connection], int]:
        return lambda connection: self.do(admin, connection, ids)


REPLAY = _Verb("replayed", Admin.replay)
DISCARD = _Verb("discarded", Admin.discard)


def replay(  # noqa: PLR0917 - an option of a command is an argument of its function
    keys: Keys = None,
    all_: All = False,
    kind: Kind = None,
    lane: Lane = None,
    error: Error = None,
    older_than: OlderThan = None,
    younger_than: YoungerThan = None,
    listener: Listener = None,
    conversation: Conversation = None,
    workspace: Workspace = None,
    since: Since = None,
) -> None:
    """Runs dead letters again in their lanes, with a fresh count of attempts.

    You can interrupt it at any time, and run the same command again for the rest.
    """
    _run(
        REPLAY,
        keys,
        all_,
        Filter(
            "dead",
            kind,
            lane,
            error,
            seconds(older_than),
            seconds(younger_than),
            listener=listener,
            conversation=conversation,
            workspace=workspace,
            since_seconds=seconds(since),
        ),
    )


def discard(  # noqa: PLR0917 - as above
    keys: Keys = None,
    all_: All = False,
    kind: Kind = None,
    lane: Lane = None,
    error: Error = None,
    older_than: OlderThan = None,
    younger_than: YoungerThan = None,
    listener: Listener = None,
    conversation: Conversation = None,
    workspace: Workspace = None,
    since: Since = None,
) -> None:
    """Gives up dead letters, or waiting deliveries that you name: deletes their bodies, so that they never run.

    Their keys are kept for a while, so that Slack's retries of them are not run either.

    You can interrupt it at any time, and run the same command again for the rest.
    """
    _run(
        DISCARD,
        keys,
        all_,
        Filter(
            "dead",
            kind,
            lane,
            error,
            seconds(older_than),
            seconds(younger_than),
            listener=listener,
            conversation=conversation,
            workspace=workspace,
            since_seconds=seconds(since),
        ),
    )


def _run(verb: _Verb, keys: list[str] | None, all_: bool, wanted: Filter) -> None:
    narrow = (wanted.listener, wanted.conversation, wanted.workspace, wanted.since_seconds)
    if bool(keys) == (all_ or any(one is not None for one in narrow)):
        raise typer.BadParameter(
            "name dead letters, or choose them by --all, --listener, --conversation, --workspace or --since"
        )
    missed = asyncio.run(_in_lots(verb, keys, wanted))
    if missed:
        raise AnchorboltError("; ".join(missed))


async def _in_lots(verb: _Verb, keys: list[str] | None, wanted: Filter) -> list[str]:
    """Works through the letters that are dead now, the oldest first, each once. Those that die meanwhile are left."""
    already = 0  # by somebody else, since they were looked for
    async with opened() as (database, admin):
        if keys:
            named = partial(_named, verb, keys=keys)
            ids, missed = await database.transact(named, PATIENT_SECONDS)
        else:
            ids, missed = await database.read(lambda connection: admin.dead(connection, wanted), PATIENT_SECONDS), []
        done = looked_at = locked = 0
        try:
            while lot := ids[looked_at : looked_at + LOT]:
                if verb is REPLAY:
                    locked += await database.read(partial(admin.without_key, ids=lot))
                of_lot = await database.transact(verb.to(admin, lot))
                done, already = done + of_lot, already + len(lot) - of_lot
                looked_at += len(lot)
                if len(ids) > LOT:
                    print(f"{looked_at} of {len(ids)}", file=sys.stderr, flush=True)
        finally:
            rest = "" if looked_at == len(ids) else f" of {len(ids)}; the same command goes on with the rest"
            print(f"{done} {verb.past}{rest}")
            if locked:
                print(WITHOUT_KEY.format(locked), file=sys.stderr)
        if already:
            said = f"{already} were replayed, discarded or forgotten by somebody else meanwhile"
            if keys:
                missed.append(said)
            else:
                print(said, file=sys.stderr)
        return missed


def _named(verb: _Verb, connection: Connection, keys: list[str]) -> tuple[list[int], list[str]]:
    """Returns the ids of those that can be worked on, and says of each other one why it cannot."""
    ids, missed = set(), []
    for key in keys:
        found = STOPPING.find(connection, key)
        if found is None:
            missed.append(str(unknown(key)))
        elif found.state in ("dead", "cancelled"):
            ids.add(found.id)
        elif found.state == "waiting" and verb is DISCARD:
            STOPPING.end(connection, found, "dead", "discarded")  # a dead letter now, and discarded with the others
            ids.add(found.id)
        else:
            missed.append(f"{key} cannot be {verb.past}: {told(found)}")
    return sorted(ids), missed
