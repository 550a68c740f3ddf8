"""When a database counts as back."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from structlog.testing import capture_logs

DOWN = "store down: events are refused, commands go on unprotected"


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process takes another byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_database_that_can_only_be_read_is_not_back(tmp_path: Path) -> None:
    """A store that went down is up again once it writes, and is said to be down once, however often it is read."""
    inbox = Inbox(SqliteDatabase(tmp_path / "inbox.db"), lease_seconds=15)
    await inbox.open()
    with capture_logs() as lines:
        with full_disk():
            # 1. A write fails.
            with pytest.raises(StoreUnavailableError):
                await inbox.accept(Item("key", "lane", "event", "application/json", "{}"), time.monotonic())
            assert not inbox.up
            # 2. It can be read, which says nothing.
            assert not await inbox.waits(0)
            with pytest.raises(StoreUnavailableError):
                await inbox.probe()
            assert not inbox.up
        # 3. It writes again.
        await inbox.probe()
        assert inbox.up
    assert [line["event"] for line in lines] == [DOWN, "store up again"]
    await inbox.close()
