"""What integration tests of several packages stand on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support import postgresql
from tests.support.app_process import AppProcess
from tests.support.postgresql import PostgreSQL


def _start(factory: pytest.TempPathFactory) -> PostgreSQL:
    if not postgresql.is_installed():
        missing = "PostgreSQL is not installed: apt-get install postgresql"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    server = PostgreSQL(factory.mktemp("postgresql"))
    server.start()
    return server


@pytest.fixture(autouse=True, scope="session")
def forked_apps() -> None:
    """Processes of the app are forked, where a test does not say otherwise; a bench starts them."""
    AppProcess.forks = True


@pytest.fixture
def started_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of the app are started by their command line, as in production."""
    monkeypatch.setattr(AppProcess, "forks", False)


@pytest.fixture(scope="session")
def shared_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL for tests that do nothing to the server: each makes a database of its own."""
    server = _start(tmp_path_factory)
    yield server
    server.stop()


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL that a test may stop and start."""
    server = _start(tmp_path_factory)
    yield server
    server.stop()
