"""`anchorbolt dev` waits for an app as long as its import takes."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from anchorbolt.cli.dev import session
from anchorbolt.cli.dev.session import Session


class Child:
    """A process whose import takes longer than it may take to get ready after it."""

    async def report(self) -> Any:
        """The import."""
        await asyncio.sleep(0.05)
        return Mock(loaded=True)

    def serve(self) -> None:
        """The order to serve."""

    async def wait_until_ready(self, *_: Any) -> None:
        """It is ready at once."""


async def test_a_long_import_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time in which an app must get ready begins when its modules are imported."""
    monkeypatch.setattr(session, "READY_WITHIN_SECONDS", 0.01)
    made = Session(Mock(demo=False), None, Mock(), Mock())
    made._news, made._processes = Mock(), Mock()
    reloads = Mock(run=Mock(side_effect=_nothing))
    monkeypatch.setattr(session, "Reloads", lambda *_: reloads)
    await made._act(Child(), 0.0)  # type: ignore[arg-type]
    made._news.say.assert_not_called()
    reloads.run.assert_called_once()


async def _nothing(*_: Any) -> None:
    """Does nothing."""
