"""Saves what was gathered from a store of slack_sdk, and never over what is younger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from anchorbolt.inbox.tables import installation
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.stores.gathering import Gathered, Skipped

# Installations in one transaction.
LOT = 100

YOUNGER = "a younger installation is here"
HERE = "it is here already"


@dataclass(slots=True)
class Saved:
    """What came of it. `users`: how many users' tokens were saved."""

    workspaces: list[str] = field(default_factory=list)
    users: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, more: Saved) -> None:
        """Adds what came of another lot."""
        self.workspaces += more.workspaces
        self.users += more.users
        self.skipped += more.skipped


def save(connection: Connection, installations: Installations, lot: Sequence[Gathered], *, dry: bool) -> Saved:
    """Saves a lot in one transaction; with `dry` it only says what it would do."""
    saved = Saved()
    there = _there(connection, [one.installation.workspace for one in lot])
    for one in lot:
        found = one.installation
        age, old = _age(found.installed_at, found.bot.expires_at if found.bot else None), there.get(found.workspace)
        if old is not None and old >= age:
            saved.skipped.append(Skipped(found.workspace, HERE if old == age else YOUNGER))
        elif dry or installations.save(connection, found, only_younger=True):
            saved.workspaces.append(found.workspace)
        else:  # somebody has installed it since we looked
            saved.skipped.append(Skipped(found.workspace, YOUNGER))
        # A user's token is taken over in any case: that the app was installed again does not make it worthless.
        for user in one.users:
            saved.users += int(not dry and installations.save_user(connection, user, only_younger=True))
    return saved


def _there(connection: Connection, workspaces: Sequence[str]) -> dict[str, tuple[float, float]]:
    c = installation.c
    wanted = select(c.workspace, c.installed_at, c.bot_expires_at).where(c.workspace.in_(workspaces))
    return {row.workspace: _age(row.installed_at, row.bot_expires_at) for row in connection.execute(wanted)}


def _age(installed_at: float, expires_at: float | None) -> tuple[float, float]:
    """Of two tokens of one installation, the one that expires later came of a refresh of the other."""
    return installed_at, expires_at or 0.0
