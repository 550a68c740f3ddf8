"""The pytest plugin: the fixture `anchorbolt` and the option `anchorbolt_listeners` (docs/testing.md).

pytest imports it at every start, so it imports nothing that is not needed then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from anchorbolt.testing.kit import Kit

OPTION = "anchorbolt_listeners"
DEFAULT = "app"

_KIT = pytest.StashKey["Kit"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option to pytest's configuration."""
    parser.addini(OPTION, f"the app to test, as LISTENERS names it (default: LISTENERS, else {DEFAULT!r})", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Loads the app before any test module imports it, if the option names it: so that the import calls no Slack."""
    if session.config.getini(OPTION) and not _only_distributes(session.config):
        _load(session.config)


@pytest.fixture
def anchorbolt(request: pytest.FixtureRequest) -> Kit:
    """The team's app, loaded once for all tests, and a Slack emulator that has seen nothing yet."""
    kit = _load(request.config)
    kit.slack.forget()
    return kit


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the app and its emulator after the last test; called by pytest."""
    kit = config.stash.get(_KIT, None)
    if kit is not None:
        kit.close()


def _load(config: pytest.Config) -> Kit:
    """Returns the app, which the first call loads. Raises pytest.UsageError where it cannot be loaded."""
    kit = config.stash.get(_KIT, None)
    if kit is None:
        from anchorbolt.errors import ListenersError  # noqa: PLC0415 - see above
        from anchorbolt.testing.kit import Kit  # noqa: PLC0415

        app = config.getini(OPTION) or os.environ.get("LISTENERS") or DEFAULT
        try:
            kit = config.stash[_KIT] = Kit(app, config.rootpath)
        except ListenersError as error:
            raise pytest.UsageError(f"{error} ({OPTION} in pytest's configuration, else LISTENERS)") from None
    return kit


def _only_distributes(config: pytest.Config) -> bool:
    """Whether this process gives tests to those of pytest-xdist and runs none itself."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")
