"""`inbox cancel`, `inbox skip` and `inbox run-now`: what an operator does to one delivery that runs or waits."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sqlalchemy import Connection

from anchorbolt.cli.inbox.options import By, who
from anchorbolt.cli.inbox.session import PATIENT_SECONDS, as_admin, opened, unknown
from anchorbolt.errors import AnchorboltError
from anchorbolt.inbox.database import Database, Wake
from anchorbolt.inbox.stopping import Found, Stopping

Key = Annotated[str, typer.Argument(help="A key or an id, as `inbox list` shows it.")]
# A process looks twice a second, and a run that was cancelled has to end and be written.
MOST_SECONDS = 10.0
LOOK_SECONDS = 0.1

STOPPING = Stopping()


def cancel(key: Key, by: By = None) -> None:
    """Ends a delivery that is running, on any pod. It is not attempted again, but can be replayed.

    A synchronous listener cannot be stopped at once: it runs on until its next call to Slack, which raises an error.
    """
    print(asyncio.run(_cancel(key, who(by))))


def skip(key: Key, by: By = None) -> None:
    """Turns a waiting delivery into a dead letter, so that its lane goes on without it."""

    def work(connection: Connection) -> Found:
        found = _found(STOPPING.find(connection, key), key)
        if found.state == "waiting":
            STOPPING.end(connection, found, "dead", f"skipped by {who(by)}")
        return found

    found = as_admin(lambda _, connection: work(connection))
    if found.state != "waiting":
        raise AnchorboltError(f"{key} does not wait: {told(found)}")
    print(f"Skipped: {found.key} is a dead letter. Its lane {found.lane} goes on within a second.")


def run_now(
    key: Annotated[str | None, typer.Argument(help="A key or an id, as `inbox list` shows it.")] = None,
    lane: Annotated[str | None, typer.Option(help="A lane, by its full name, instead of a key.")] = None,
) -> None:
    """Runs a waiting lane at once, without the rest of its backoff. KEY is any delivery that waits in it."""
    if (key is None) == (lane is None):
        raise typer.BadParameter("name a delivery, or a lane by --lane")

    def work(connection: Connection) -> tuple[str, Found | None, bool]:
        found = _found(STOPPING.find(connection, key), key) if key is not None else None
        name = found.lane if found is not None else str(lane)
        waits = found is None or found.state == "waiting"
        return name, found, waits and STOPPING.run_now(connection, name)

    name, found, freed = as_admin(lambda _, connection: work(connection))
    if not freed and found is not None and found.state == "waiting":
        raise AnchorboltError(f"{key} waits behind another delivery of its lane {name}, which runs")
    if not freed:
        why = told(found) if found is not None else "nothing waits there, or it runs"
        raise AnchorboltError(f"{key or name} does not wait: {why}")
    print(f"The lane {name} is run within a second, unless something else holds it back, such as a pause.")


def told(found: Found) -> str:
    """Says what a delivery does, and what can be done about it."""
    match found.state:
        case "running":
            return f"it is running on {found.owner} since {found.seconds or 0:.0f} s; `anchorbolt inbox cancel` ends it"
        case "waiting":
            return "it waits; `anchorbolt inbox skip` makes it a dead letter, `discard` deletes it"
        case "dead" | "cancelled":
            return f"it is {found.state}; `anchorbolt inbox replay` runs it again, `discard` deletes it"
        case _:
            return "it is done"


async def _cancel(key: str, by: str) -> str:
    async with opened() as (database, _):
        found = await database.transact(lambda connection: _ask(connection, key, by), PATIENT_SECONDS)
        if found.state != "running":
            raise AnchorboltError(f"{key} does not run: {told(found)}")
        database.wake_others(Wake.CANCEL)
        return await _until_ended(database, found)


def _ask(connection: Connection, key: str, by: str) -> Found:
    found = _found(STOPPING.find(connection, key), key)
    if found.state == "running":
        STOPPING.cancel(connection, found, by)
    return found


async def _until_ended(database: Database, asked: Found) -> str:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MOST_SECONDS
    while loop.time() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        found = await database.read(lambda connection: STOPPING.find(connection, str(asked.id)), PATIENT_SECONDS)
        if found is None or found.state in ("done", "dead"):
            return f"It had ended before it was cancelled: {asked.key} is {found.state if found else 'gone'}."
        if found.state == "cancelled":
            return f"Cancelled: {asked.key}, which ran on {asked.owner}."
    return (
        f"{asked.key} is still running on {asked.owner}: it is marked, and ends with its next call of Slack if it is a"
        " synchronous listener. If that pod is dead, whoever takes its lane over ends it without running it."
    )


def _found(found: Found | None, key: str | None) -> Found:
    if found is None:
        raise unknown(key)
    return found
