"""Opens the database for a command on workspaces, with the keys that decrypt tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anchorbolt import settings
from anchorbolt.cli.inbox import session
from anchorbolt.encryption import HOW_TO_MAKE_ONE, Keys
from anchorbolt.errors import AnchorboltError, InvalidSettingsError
from anchorbolt.inbox.database import Database, Wake
from anchorbolt.inbox.notify import notify
from anchorbolt.settings.model import Settings
from anchorbolt.workspaces.installations import Installations


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works with."""

    settings: Settings
    database: Database
    installations: Installations

    async def tell(self) -> None:
        """Tells the pods that installations have changed. On SQLite nobody hears it: its pod looks once a minute."""
        if self.database.shared:
            await self.database.transact(lambda connection: notify(connection, Wake.WORKSPACES))


@asynccontextmanager
async def opened() -> AsyncIterator[Opened]:
    """Opens the database that the settings name. Raises a StoreError where its schema does not fit this version."""
    loaded = settings.load()
    async with session.opened() as (database, _):
        yield Opened(loaded, database, Installations(database.dialect, Keys(loaded.keys)))


def require_keys(loaded: Settings) -> None:
    """Raises InvalidSettingsError without TOKEN_KEYS: nothing is stored in the clear."""
    if not loaded.keys:
        raise InvalidSettingsError(
            [f"TOKEN_KEYS: missing; the tokens of workspaces are stored encrypted: {HOW_TO_MAKE_ONE}"]
        )


def unknown(workspace: str) -> AnchorboltError:
    """Returns the error for an id that has no installation."""
    return AnchorboltError(f"the app is not installed in {workspace}: `anchorbolt workspaces list` shows the ids")
