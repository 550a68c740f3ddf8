"""`inbox top` looks again and again, by one connection, and outlives an outage of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anchorbolt.cli.inbox import top
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.pods import Pods
from anchorbolt.inbox.sqlite import SqliteDatabase
from rich.text import Text
from sqlalchemy import Connection


class Screen:
    """Stands for the terminal: keeps what it was shown, and ends the watching after so many frames."""

    def __init__(self, most: int) -> None:
        self.frames: list[str] = []
        self._most = most

    def update(self, text: Text, *, refresh: bool) -> None:
        """Keeps a frame."""
        assert refresh
        self.frames.append(text.plain)
        if len(self.frames) == self._most:
            raise asyncio.CancelledError


async def test_it_goes_on_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails shows why, and what was seen last; the next one looks again, without opening anything anew."""
    database = SqliteDatabase(None)
    inbox = Inbox(database, lease_seconds=9)
    await inbox.open()
    await database.transact(lambda c: Pods("sqlite").write(c, "pod-1", "v7", "draining", 200))
    opened: list[SqliteDatabase] = []
    read, looks = database.read, 0

    @asynccontextmanager
    async def open_once() -> AsyncIterator[tuple[SqliteDatabase, Admin]]:
        opened.append(database)
        yield database, Admin("sqlite")

    async def away_at_the_second(work: Callable[[Connection], Any], timeout_seconds: float = 0) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise StoreUnavailableError("PostgreSQL at db cannot be used")
        return await read(work, timeout_seconds)

    monkeypatch.setattr(top, "opened", open_once)
    monkeypatch.setattr(database, "read", away_at_the_second)
    screen: Any = Screen(3)
    with pytest.raises(asyncio.CancelledError):
        await top._watch(screen, 0)
    first, away, again = screen.frames
    assert "0 of 200 slots  draining  v7" in first
    assert "PostgreSQL at db cannot be used" in away
    assert first in away
    assert "cannot be used" not in again
    assert len(opened) == 1
    monkeypatch.undo()
    await inbox.close()


def test_without_a_terminal_it_looks_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe or a file gets one look and the command ends, instead of nothing for ever."""
    monkeypatch.setattr(top, "as_reader", lambda _: "one look")
    top.top()
    assert capsys.readouterr().out == "one look\n"
