"""Workspaces of a bench: their ids and tokens, how they are put into a store, and a server installed in them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from anchorbolt.encryption import Keys
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.workspaces.installation import Installation, Token
from anchorbolt.workspaces.installations import Installations
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from bench.variants import Launch

KEY = b"k" * 32
LOT = 500


def workspace(number: int) -> bytes:
    """The id of a workspace: as long as the one in the prepared requests."""
    return b"T%09d" % number


def token(number: int) -> bytes:
    """The token of the bot in a workspace."""
    return b"xoxb-" + workspace(number)


async def install(url: str, count: int) -> None:
    """Puts so many installations into an empty store."""
    database = _database(url)
    await database.open()
    await database.migrate()
    installations = Installations(database.dialect, Keys([KEY]))
    for begin in range(0, count, LOT):
        numbers = range(begin, min(begin + LOT, count))
        await database.transact(partial(_save, installations, numbers), 60)
    await database.close()


def installed(launch: Launch, **more: str) -> Launch:
    """The same server, with installations in the place of one token."""
    environment = {
        **launch.environment,
        "SLACK_BOT_TOKEN": "",
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "made-up",
        "SLACK_SCOPES": "chat:write",
        "PUBLIC_URL": "https://bench.example.com",
        "TOKEN_KEYS": b64encode(KEY).decode(),
        **more,
    }
    return replace(launch, environment=environment)


def _save(installations: Installations, numbers: Iterable[int], connection: Connection) -> None:
    for number in numbers:
        installations.save(connection, _installation(number))


def _installation(number: int) -> Installation:
    return Installation(
        workspace=workspace(number).decode(),
        bot=Token(token(number).decode()),
        name=f"Workspace {number}",
        bot_id=f"B{number:09d}",
        bot_user_id="U0BENCHBOT",
        scopes=("chat:write", "commands", "channels:history"),
        installed_by="U0BENCH001",
        installed_at=1_700_000_000.0,
    )


def _database(url: str) -> Database:
    if url.startswith("postgresql"):
        return PostgresqlDatabase(make_url(url))
    return SqliteDatabase(Path(str(make_url(url).database)), serves=False)
