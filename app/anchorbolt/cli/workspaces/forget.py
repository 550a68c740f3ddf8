"""`workspaces forget`: deletes everything that is stored of a workspace, for a deletion request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy import Connection

from anchorbolt.cli.inbox.listing import visible
from anchorbolt.cli.inbox.session import PATIENT_SECONDS
from anchorbolt.cli.workspaces.session import Opened, opened
from anchorbolt.errors import AnchorboltError
from anchorbolt.workspaces import user_grants
from anchorbolt.workspaces.forgetting import BATCH, Forgetting, Forgot, Running

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _There:
    """What there is before it is forgotten."""

    installed: bool
    name: str | None
    users: int


def forget(
    workspace: Annotated[str, typer.Argument(metavar="TEAM", help="Its id: T... of a workspace, E... if org-wide.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for what is running.", min=0, max=3600)] = 30,
) -> None:
    """Deletes all that is stored of a workspace: installation, users' tokens, deliveries, rate limits and pause.

    What is running is not interrupted: it is deleted when it has ended. If something still runs after --wait, the
    command names it and ends with 1: run it again later for the rest.

    It does not ask Slack. To have Slack revoke the tokens, run `workspaces revoke` first.
    """
    there = asyncio.run(_look(workspace))
    if not yes:
        what = visible(f"{workspace} ({there.name})" if there.name else workspace)
        typer.confirm(f"Delete all that is stored of {what}? This cannot be undone.", abort=True)
    asyncio.run(_forget(workspace, wait))


async def _look(workspace: str) -> _There:
    async with opened() as at:

        def work(connection: Connection) -> _There:
            found = at.installations.find(connection, [workspace]).get(workspace)
            users = user_grants.read(connection, workspace)
            return _There(found is not None, found.name if found else None, len(users))

        return await at.database.read(work, PATIENT_SECONDS)


async def _forget(workspace: str, wait_seconds: float) -> None:
    async with opened() as at:
        forgetting = Forgetting(at.database.dialect)
        # Its tokens first: what comes from now on finds no installation, and nothing runs for it.
        there = await at.database.transact(lambda connection: _remove(at, connection, workspace))
        await at.tell()
        done, last = Forgot(), 0
        deadline = asyncio.get_running_loop().time() + wait_seconds
        for _ in range(2):  # the second time over what came meanwhile
            last = await _all(at, forgetting, workspace, last, done)
            await _ended(at, forgetting, done, deadline)
        gates, pauses = await at.database.transact(
            lambda connection: forgetting.delete_gates_and_pause(connection, workspace)
        )
        is_back = bool(await at.database.read(lambda c: at.installations.versions(c, [workspace]), PATIENT_SECONDS))
        await at.database.tidy()
    told = [
        *(["its installation"] if there.installed else []),
        *([f"{there.users:,} users' tokens"] if there.users else []),
        *([f"{done.ended:,} deliveries that had ended"] if done.ended else []),
        *([f"{done.waiting:,} that waited"] if done.waiting else []),
        *([f"{gates:,} rate gates"] if gates else []),
        *(["its pause"] if pauses else []),
    ]
    print(f"Deleted of {workspace}: {', '.join(told)}." if told else f"Nothing was stored of {workspace}.")
    if workspace.startswith("E"):
        print("Deliveries are kept under the ids of its workspaces (T...): forget each of them too.")
    problems = [_still(workspace, done.running)] if done.running else []
    if is_back:
        problems.append(
            f"the app was installed in {workspace} again meanwhile, which stays: give the command again to delete it"
        )
    if problems:
        raise AnchorboltError("; ".join(problems))


def _remove(at: Opened, connection: Connection, workspace: str) -> _There:
    users = user_grants.read(connection, workspace)
    installed = at.installations.remove(connection, workspace)
    if installed:  # and the users' tokens with it
        return _There(installed, None, len(users))
    # Also those without an installation; not those that another operator has deleted since we have read them.
    removed = sum(at.installations.remove_user(connection, workspace, one.user_id) for one in users)
    return _There(installed, None, removed)


async def _all(at: Opened, forgetting: Forgetting, workspace: str, after: int, done: Forgot) -> int:
    """Deletes its deliveries with ids above `after`, a batch a transaction. Returns the highest id."""
    low, high = await at.database.read(forgetting.ids)
    for first in range(max(low, after + 1), high + 1, BATCH):
        until = min(first + BATCH - 1, high)
        _add(
            done,
            await at.database.transact(
                lambda connection, first=first, until=until: forgetting.delete_between(
                    connection, workspace, first, until
                )  # type: ignore[misc] # defaults bind them
            ),
        )
    return high


async def _ended(at: Opened, forgetting: Forgetting, done: Forgot, deadline: float) -> None:
    """Waits for what runs, and deletes it when it has ended, or waits for another attempt."""
    loop = asyncio.get_running_loop()
    while done.running:
        ids, done.running = [one.id for one in done.running], []
        _add(done, await at.database.transact(lambda connection, ids=ids: forgetting.delete_these(connection, ids)))  # type: ignore[misc] # a default binds it
        if not done.running or loop.time() >= deadline:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _add(done: Forgot, more: Forgot) -> None:
    done.ended += more.ended
    done.waiting += more.waiting
    done.running += more.running


def _still(workspace: str, running: list[Running]) -> str:
    named = ", ".join(f"{one.key} on {one.owner}" for one in running[:5])
    more = f" and {len(running) - 5} more" if len(running) > 5 else ""
    return (
        f"{len(running)} deliveries of {workspace} still run: {named}{more}. They end by themselves"
        f" (`anchorbolt inbox cancel KEY` ends one now); then give the command again"
    )
