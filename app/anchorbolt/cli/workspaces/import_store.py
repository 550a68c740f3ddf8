"""`workspaces import`: takes over the installations that an app has saved with slack_sdk."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from anchorbolt.cli.inbox.listing import AsJson, visible
from anchorbolt.cli.inbox.session import PATIENT_SECONDS
from anchorbolt.cli.workspaces.session import Opened, opened, require_keys
from anchorbolt.errors import AnchorboltError
from anchorbolt.workspaces.stores import files, saving, tables
from anchorbolt.workspaces.stores.gathering import Gathered, Gathering, Skipped

# Of what is skipped for one reason so many are named; --json names all.
MOST_NAMED = 20

Source = Annotated[
    str,
    typer.Argument(
        envvar="IMPORT_FROM",
        show_envvar=True,
        help="Where the store is: the URL of a database, a SQLite file, or the folder of a file store.",
    ),
]
ClientId = Annotated[str | None, typer.Option(help="Import only what this client id saved. Default: SLACK_CLIENT_ID.")]
InstallationsTable = Annotated[str, typer.Option(help="The table of installations in it.")]
BotsTable = Annotated[str, typer.Option(help="The table of bots in it.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would be imported, and save nothing.")]


def import_(  # noqa: PLR0917 - an option of a command is an argument of its function
    source: Source,
    client_id: ClientId = None,
    installations_table: InstallationsTable = tables.INSTALLATIONS,
    bots_table: BotsTable = tables.BOTS,
    dry_run: Dry = False,
    as_json: AsJson = False,
) -> None:
    """Imports the installations that slack_sdk's SQLAlchemy or file store has saved: the newest of each workspace.

    Users' tokens are imported too. All tokens are encrypted; the old store is not changed. An installation that is
    here already, and at least as new, is kept, so you can run the command again. Give a URL with a password in the
    variable IMPORT_FROM, not on the command line.
    """
    names = tables.Names(installations_table, bots_table)
    gathering, gathered, saved = asyncio.run(_import(source, names, client_id, dry=dry_run))
    skipped = [*gathering.skipped, *saved.skipped]
    if as_json:
        told = {"found": len(gathered), "saved": saved.workspaces, "users": saved.users, "dry_run": dry_run}
        print(json.dumps(told | {"of_other_apps": gathering.of_others, "skipped": [asdict(one) for one in skipped]}))
        return
    users = sum(len(one.users) for one in gathered)
    print(f"Found {len(gathered):,} installations and {users:,} users' tokens.")
    if gathering.of_others:
        print(f"Left out {gathering.of_others:,} rows of other client ids.")
    for line in _reasons(skipped):
        print(visible(line))
    if dry_run:
        print(f"Would save {len(saved.workspaces):,} installations. Nothing was saved (--dry-run).")
    else:
        print(f"Saved {len(saved.workspaces):,} installations and {saved.users:,} users' tokens.")


async def _import(
    source: str, names: tables.Names, client_id: str | None, *, dry: bool
) -> tuple[Gathering, list[Gathered], saving.Saved]:
    async with opened() as at:
        require_keys(at.settings)
        gathering = Gathering(client_id or at.settings.slack_client_id, time.time())
        await _gather(source, names, client_id or at.settings.slack_client_id, gathering)
        if len(gathering.client_ids) > 1:
            named = ", ".join(sorted(gathering.client_ids))
            raise AnchorboltError(f"the store has installations of several apps: choose one by --client-id ({named})")
        gathered = gathering.result()
        if not gathered and not gathering.skipped:
            of_others = f"; {gathering.of_others:,} rows are of other client ids" if gathering.of_others else ""
            raise AnchorboltError(f"there is no installation in that store{of_others}")
        return gathering, gathered, await _save(at, gathered, dry=dry)


async def _gather(source: str, names: tables.Names, client_id: str | None, into: Gathering) -> None:
    if "://" in source:
        await tables.gather(source, names, into)
    elif _is_folder(source):
        files.gather(Path(source), client_id, into)
    else:
        await tables.gather(f"sqlite:///{source}", names, into)


def _is_folder(source: str) -> bool:
    return Path(source).is_dir()


async def _save(at: Opened, gathered: Sequence[Gathered], *, dry: bool) -> saving.Saved:
    saved = saving.Saved()
    for begin in range(0, len(gathered), saving.LOT):
        lot = gathered[begin : begin + saving.LOT]
        of_lot = await at.database.transact(
            lambda connection, lot=lot: saving.save(connection, at.installations, lot, dry=dry),  # type: ignore[misc] # a default binds it
            PATIENT_SECONDS,
        )
        saved.add(of_lot)
    if not dry:
        await at.tell()
    return saved


def _reasons(skipped: Sequence[Skipped]) -> list[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for one in skipped:
        by_reason[one.reason].append(one.what)
    return [
        f"Skipped {len(what):,}, because {reason}: {', '.join(what[:MOST_NAMED])}"
        + (f" and {len(what) - MOST_NAMED:,} more" if len(what) > MOST_NAMED else "")
        for reason, what in by_reason.items()
    ]
