"""DATABASE_URL names a SQLite inbox with or without a driver: both spellings are the same file, or memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from anchorbolt.inbox import opening
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.settings import Settings
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
