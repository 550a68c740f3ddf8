"""What holds for every test: the garbage collector of its process, an environment of its own, and one PostgreSQL."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
from collections.abc import Generator, Iterator

import hypothesis  # noqa: F401  # so that it meets trio before trio's objects are hidden from the collector
import pytest
from anchorbolt.lifecycle import garbage_collection

from tests.support import postgresql


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Lets it run as seldom as in production, and never look at the modules and the thousands of tests themselves.

    Otherwise much of the CPU of the tests that run in this process is spent in looking at all that was collected,
    again and again, to find it in use.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        garbage_collection.calm()


@pytest.hookimpl(tryfirst=True)  # before the hook that puts the slowest tests first
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mixes the files where several run at once, always in the same way.

    In the order of their folders four files that compute run beside each other, and later four that wait.
    """
    if hasattr(config, "workerinput"):  # in a process of pytest-xdist's
        items.sort(key=lambda item: hashlib.sha256(item.nodeid.partition("::")[0].encode()).digest())


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """What a test puts into the environment ends with it: an app that it makes puts `.env` and Slack's tokens there."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def installed_postgres() -> None:
    """Skips where PostgreSQL is not installed; in the CI that fails."""
    if not postgresql.is_installed():
        missing = "PostgreSQL is not installed: apt-get install postgresql"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


@pytest.fixture(scope="session")
def shared_postgres(
    installed_postgres: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[postgresql.PostgreSQL]:
    """A PostgreSQL for tests that do nothing to the server: each makes a database of its own."""
    server = postgresql.PostgreSQL(tmp_path_factory.mktemp("postgresql"), autovacuum=False)
    server.start()
    yield server
    server.stop(signal.SIGQUIT)  # nobody wants the hundreds of databases again
