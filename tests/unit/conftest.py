"""What tests of memory and of commands share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from anchorbolt.lifecycle import start


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """What a test puts into the environment ends with it: an app that it makes puts `.env` and Slack's tokens there."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


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
