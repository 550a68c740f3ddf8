"""`workspaces list` and `workspaces show`: print installations, and never a token."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from anchorbolt.cli.inbox.listing import AsJson, age, visible
from anchorbolt.cli.inbox.session import PATIENT_SECONDS
from anchorbolt.cli.print_table import print_table
from anchorbolt.cli.workspaces.session import Opened, opened, unknown
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.workspaces import user_grants
from anchorbolt.workspaces.installation import Installation
from anchorbolt.workspaces.user_grants import UserGrant

STATES = tuple(InstallationState)
State = Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")]
Most = Annotated[int, typer.Option(help="How many to list at most.", min=1, max=100_000)]
COLUMNS = ("workspace", "name", "org-wide", "state", "scopes", "expires", "installed", "by", "users")


def list_(state: State = None, most: Most = 1_000, as_json: AsJson = False) -> None:
    """Lists the workspaces and organizations that the app is installed in, by their ids."""
    if state is not None and state not in STATES:
        raise typer.BadParameter(f"{state!r} is none of {', '.join(STATES)}", param_hint="--state")
    found, users = asyncio.run(_all())
    wanted = [one for one in found if state is None or one.state == state]
    if as_json:
        listed = [_plain(one) | {"users": users.get(one.workspace, 0)} for one in wanted[:most]]
        print(json.dumps({"found": len(wanted), "workspaces": listed}))
        return
    counted = {known: sum(one.state is known for one in found) for known in InstallationState}
    print(", ".join(f"{count:,} {known.replace('_', ' ')}" for known, count in counted.items()))
    if wanted:
        _print_table(wanted[:most], users)
    if len(wanted) > most:
        print(f"{most:,} of {len(wanted):,}. `--most` lists more, and `--state` lists others.")


def show(
    workspace: Annotated[str, typer.Argument(metavar="TEAM", help="Its id: T... of a workspace, E... if org-wide.")],
    as_json: AsJson = False,
) -> None:
    """Shows one installation, and which users granted what. It never shows a token."""
    found, users = asyncio.run(_one(workspace))
    if found is None:
        raise unknown(workspace)
    plain = _plain(found)
    if as_json:
        print(json.dumps(plain | {"users": [_plain_user(one) for one in users]}))
        return
    for name, value in plain.items():
        if value not in (None, [], ()):
            shown = _moment(value) if name.endswith("_at") else ", ".join(value) if isinstance(value, list) else value
            print(f"{name:>13}  {visible(str(shown))}")
    for one in users:
        expires = "" if one.expires_at is None else f", expires {_moment(one.expires_at)}"
        state = one.state + (f" ({one.reason})" if one.reason else "")
        print(
            visible(
                f"user {one.user_id}: {state}, {one.scopes or 'no scopes'}, since {_moment(one.installed_at)}{expires}"
            )
        )


async def _all() -> tuple[list[Installation], Mapping[str, int]]:
    async with opened() as at:

        def work(connection: Connection) -> tuple[list[Installation], Mapping[str, int]]:
            return at.installations.all(connection), user_grants.count_by_workspace(connection)

        return await at.database.read(work, PATIENT_SECONDS)


async def _one(workspace: str) -> tuple[Installation | None, list[UserGrant]]:
    async with opened() as at:

        def work(connection: Connection) -> tuple[Installation | None, list[UserGrant]]:
            found = at.installations.find(connection, [workspace]).get(workspace)
            return found, [_checked(at, connection, workspace, one) for one in user_grants.read(connection, workspace)]

        return await at.database.read(work, PATIENT_SECONDS)


def _checked(at: Opened, connection: Connection, workspace: str, grant: UserGrant) -> UserGrant:
    """Returns a grant with its state as a process with these keys sees it, which may not be able to use its token."""
    one = at.installations.find_user(connection, workspace, grant.user_id)
    return replace(grant, state=one.state.value, reason=one.reason) if one is not None else grant


def _plain(found: Installation) -> dict[str, Any]:
    """What may be shown: field by field, so that what is added to an installation is not shown by itself."""
    return {
        "workspace": found.workspace,
        "name": found.name,
        "org_wide": found.org_wide,
        "enterprise_id": found.enterprise_id,
        "state": found.state.value,
        "reason": found.reason,
        "scopes": list(found.scopes),
        "bot": found.bot is not None,
        "bot_id": found.bot_id,
        "bot_user_id": found.bot_user_id,
        "rotates": found.bot is not None and found.bot.refresh is not None,
        "expires_at": found.bot.expires_at if found.bot else None,
        "installed_by": found.installed_by,
        "installed_at": found.installed_at,
    }


def _plain_user(one: UserGrant) -> dict[str, Any]:
    return {
        "user": one.user_id,
        "state": one.state,
        "reason": one.reason,
        "scopes": one.scopes.split(",") if one.scopes else [],
        "expires_at": one.expires_at,
        "installed_at": one.installed_at,
    }


def _print_table(found: Sequence[Installation], users: Mapping[str, int]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, overflow="fold" if name == "workspace" else "ellipsis")
    for one in found:
        cells = (
            one.workspace,
            one.name or "",
            "yes" if one.org_wide else "",
            one.state.value.replace("_", " ") + (f" ({one.reason})" if one.reason else ""),
            ",".join(one.scopes),
            _expires(one),
            _moment(one.installed_at),
            one.installed_by or "",
            str(users.get(one.workspace, 0) or ""),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))  # a string would be read as rich's markup
    print_table(table)


def _expires(one: Installation) -> str:
    if one.bot is None or one.bot.expires_at is None:
        return ""
    left = one.bot.expires_at - time.time()
    return f"in {age(left)}" if left > 0 else f"{age(-left)} ago"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
