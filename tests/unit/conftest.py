"""What tests of memory and of commands share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from anchorbolt.lifecycle import start
from anchorbolt.settings.model import Settings


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


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting in the environment, no `.env`, no mounted file. Returns the folder that files would be mounted in."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    mounted = tmp_path / "mounted"
    monkeypatch.setenv("SECRETS_DIRECTORY", str(mounted))
    return mounted
