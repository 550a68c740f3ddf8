"""What tests of memory and of commands share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from anchorbolt.lifecycle import start


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Without the collector, which runs seldom in production, what stays is part of a circle of references."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def no_log_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs in the test's own process does not configure the log: that would last for all tests."""
    monkeypatch.setattr(start, "configure_logs", lambda settings: None)
