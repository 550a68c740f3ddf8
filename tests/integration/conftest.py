"""What integration tests of several packages stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.app_process import AppProcess
from tests.support.postgresql import PostgreSQL


@pytest.fixture(autouse=True, scope="session")
def forked_apps() -> None:
    """Processes of the app are forked, where a test does not say otherwise; a bench starts them."""
    AppProcess.forks = True


@pytest.fixture
def started_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of the app are started by their command line, as in production."""
    monkeypatch.setattr(AppProcess, "forks", False)


@pytest.fixture
def own_postgres(installed_postgres: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL that a test may stop and start."""
    server = PostgreSQL(tmp_path_factory.mktemp("postgresql"))
    server.start()
    yield server
    server.stop()
