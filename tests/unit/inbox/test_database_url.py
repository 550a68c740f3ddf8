"""DATABASE_URL names a SQLite inbox with or without a driver; messages name the setting that is in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from anchorbolt.errors import InvalidSettingsError, NoInboxError, StoreLockedError
from anchorbolt.inbox import opening
from anchorbolt.inbox.postgresql import PostgresqlDatabase, pooler
from anchorbolt.inbox.postgresql.errors import advice
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.settings.model import Settings
from pydantic import SecretStr, ValidationError

SPELLINGS = ("sqlite", "sqlite+aiosqlite")


def names_in(folder: Path) -> list[str]:
    """Every file and folder in it."""
    return [found.name for found in folder.iterdir()]


async def opened(url: str) -> SqliteDatabase:
    """The database that the app takes for this URL, open."""
    database = opening.database(Settings(database_url=SecretStr(url)))
    assert isinstance(database, SqliteDatabase)
    await database.open()
    return database


@pytest.mark.parametrize("scheme", SPELLINGS)
async def test_three_slashes_and_a_relative_path(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is found from the working directory, and its folder is made."""
    monkeypatch.chdir(tmp_path)
    database = await opened(f"{scheme}:///var/inbox.db")
    await database.close()
    assert database.durable
    assert (tmp_path / "var" / "inbox.db").exists()


@pytest.mark.parametrize("scheme", SPELLINGS)
async def test_four_slashes_and_an_absolute_path(scheme: str, tmp_path: Path) -> None:
    """The file is where the URL says."""
    database = await opened(f"{scheme}:///{tmp_path}/inbox.db")
    await database.close()
    assert database.durable
    assert (tmp_path / "inbox.db").exists()


@pytest.mark.parametrize("scheme", SPELLINGS)
async def test_no_path_is_memory(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written to the disk, and the app knows that nothing outlives it."""
    monkeypatch.chdir(tmp_path)
    database = await opened(f"{scheme}://")
    await database.close()
    assert not database.durable
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("scheme", SPELLINGS)
def test_two_slashes_and_a_path_are_refused(scheme: str) -> None:
    """By the rules of URLs the first folder would be a host, and the file another one than was meant."""
    with pytest.raises(ValidationError, match="three slashes before a relative path"):
        Settings(database_url=SecretStr(f"{scheme}://var/inbox.db"))


async def test_messages_about_the_database_name_the_setting_that_is_in_use(tmp_path: Path) -> None:
    """Where ANCHORBOLT_DATABASE_URL names the inbox, DATABASE_URL is the app's own, and no message is about it."""
    settings = Settings(anchorbolt_database_url=SecretStr(f"sqlite:///{tmp_path}/inbox.db"))
    with pytest.raises(NoInboxError, match="whether ANCHORBOLT_DATABASE_URL names the right file"):
        await opening.database(settings, makes=False).open()

    serving = opening.database(settings)
    await serving.open()
    with pytest.raises(StoreLockedError, match="another ANCHORBOLT_DATABASE_URL"):
        await opening.database(settings).open()
    await serving.close()

    wrong = Settings(anchorbolt_database_url=SecretStr("postgresql://db/inbox?sslmod=prefer"))
    with pytest.raises(InvalidSettingsError, match="ANCHORBOLT_DATABASE_URL: the parameter sslmod") as caught:
        opening.database(wrong)
    assert "which wins" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "/", "/:memory:"])
async def test_memory(name: str) -> None:
    """A URL without a file, or SQLite's own word for it, is an inbox in memory."""
    database = await opened(f"sqlite://{name}")
    await database.close()
    assert not database.durable


def test_where_processes_listen() -> None:
    """Beside DATABASE_URL itself, or past the pooler that it leads to then; a command of an operator does not."""
    url, past = SecretStr("postgresql://h1/db"), SecretStr("postgresql://h2/db")
    for listen_url, serves, pooled, listens_at in (
        (None, True, False, "h1:5432"),
        (None, False, False, "None"),
        (past, True, True, "h2:5432"),
        (SecretStr("none"), True, True, "None"),
    ):
        database = opening.database(Settings(database_url=url, database_listen_url=listen_url), serves=serves)
        assert isinstance(database, PostgresqlDatabase)
        assert str(database._address) == "h1:5432"
        assert (database._pooled, str(database._listens_at)) == (pooled, listens_at)


@pytest.mark.parametrize("setting", ["DATABASE_URL", "ANCHORBOLT_DATABASE_URL"])
def test_advice_about_postgresql_names_its_setting(setting: str) -> None:
    """What to look at, and what leads to a pooler, is the setting that was given."""
    assert advice(OSError(), setting) == f"look at it, its network and {setting}"
    assert pooler.advice(setting).startswith(f"{setting} leads to a pooler")
