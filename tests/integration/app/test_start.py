"""A start that cannot succeed ends with a message that says what to do; one that can says what it is."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.app.conftest import StartApp
from tests.support.app_process import AppProcess
from tests.support.waiting import until

# What is said of a start holds for the real one.
pytestmark = pytest.mark.usefixtures("started_apps")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def complaint(app: AppProcess) -> str:
    """What a process said that ended by itself, and not well; nobody is shown a traceback for a mistake of theirs."""
    assert await app.until_ended() not in {0, None}
    assert "Traceback" not in app.log_text()
    return app.log_text()


def holds_back(app: AppProcess, number: signal.Signals) -> bool:
    """Whether the process has blocked a signal, or is a master that has a handler for it."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{app.pid}/status").read_text().splitlines())
    return bool((int(status["SigBlk"], 16) | int(status["SigCgt"], 16)) >> number - 1 & 1)


@pytest.mark.parametrize("setting", ["PORT", "INTERNAL_PORT"])
async def test_a_port_that_is_taken(start_app: StartApp, taken: int, setting: str) -> None:
    """A taken port is named, with the setting that chooses it."""
    told = await complaint(start_app(**{setting: taken}))
    assert f"port {taken} is taken: end what listens there, or choose another with {setting}" in told


async def test_a_secret_is_missing(start_app: StartApp) -> None:
    """Without a signing secret or a token the app does not start, and says where they are found."""
    app = start_app(SLACK_SIGNING_SECRET="", SLACK_BOT_TOKEN="")
    told = await complaint(app)
    assert app.exit_code == 2
    assert "SLACK_SIGNING_SECRET: missing" in told
    assert "SLACK_BOT_TOKEN: missing" in told


async def test_settings_that_are_wrong(start_app: StartApp) -> None:
    """Every setting that is wrong is named in one go, and no value is shown: it may be a secret."""
    app = start_app(MAX_IN_FLIGHT="many", LEASE_SECONDS=-1, DATABASE_URL="mysql://me:hidden@db/x")
    told = await complaint(app)
    assert app.exit_code == 2
    assert all(name in told for name in ("MAX_IN_FLIGHT", "LEASE_SECONDS", "DATABASE_URL"))
    assert "hidden" not in told


@pytest.mark.parametrize(
    ("listeners", "expected"),
    [
        ("nobody.there", "no module named 'nobody'"),
        ("json", "the module has no app: looked for a function register(app)"),
        ("tests.integration.app.broken_listeners", "ZeroDivisionError"),
    ],
)
async def test_listeners_that_cannot_be_used(start_app: StartApp, listeners: str, expected: str) -> None:
    """A module of listeners that is missing, broken or without an app ends the start: not at three in the morning."""
    told = await complaint(start_app(LISTENERS=listeners))
    assert f"LISTENERS={listeners}" in told
    assert expected in told


async def test_all_that_is_wrong_with_listeners_is_told_at_once(start_app: StartApp) -> None:
    """Of several modules each one that cannot be used is named in the same start."""
    told = await complaint(start_app(LISTENERS="nobody.there,tests.integration.app.broken_listeners"))
    assert "LISTENERS=nobody.there" in told
    assert "LISTENERS=tests.integration.app.broken_listeners" in told


async def test_several_signing_secrets(start_app: StartApp) -> None:
    """SLACK_SIGNING_SECRET may hold several, and the app starts with them."""
    app = start_app(SLACK_SIGNING_SECRET="one, two")
    await app.until_ready()
    app.terminate()
    assert await app.until_ended() == 0


async def test_ended_before_it_was_ready(start_app: StartApp) -> None:
    """SIGTERM at any moment of the start ends the process, and leaves nobody behind."""
    app = start_app()
    app.terminate()
    await app.until_ended()
    assert await app.probe("livez") == 0


async def test_ended_before_gunicorn_is_there(start_app: StartApp) -> None:
    """SIGTERM before gunicorn can take it is taken as soon as it can: the process drains, and ends with 0."""
    app = start_app()
    await until(lambda: holds_back(app, signal.SIGTERM), what="the process holds signals back")
    app.terminate()
    assert await app.until_ended() == 0
    assert await app.probe("livez") == 0


async def test_settings_that_went_wrong_meanwhile(start_app: StartApp, tmp_path: Path) -> None:
    """A worker that takes the place of one that died reads the settings again: wrong ones end the pod, and are said."""
    app = start_app()
    await app.until_ready()
    (tmp_path / ".env").write_text("RUN_CONCURRENCY=many\n")
    assert app.worker_pid is not None
    os.kill(app.worker_pid, signal.SIGKILL)
    assert await app.until_ended() == 2
    (line,) = app.log("cannot start")
    assert "RUN_CONCURRENCY" in line["error"]


async def test_a_setting_that_the_master_needs_is_wrong(start_app: StartApp) -> None:
    """Where the master itself cannot use a value, all that is wrong is said before anything else is started."""
    app = start_app(LOG_FORMAT="xml", MAX_IN_FLIGHT="many")
    told = await complaint(app)
    assert app.exit_code == 2
    assert "LOG_FORMAT" in told
    assert "MAX_IN_FLIGHT" in told
    assert "gunicorn" not in told


async def test_what_the_ports_are_for(start_app: StartApp) -> None:
    """The internal port has the probes and not Slack's path; they are alive, started and ready."""
    app = start_app()
    await app.until_ready()
    paths = ("livez", "startupz", "readyz", "slack/events", "docs")
    assert {path: await app.probe(path) for path in paths} == {
        "livez": 200,
        "startupz": 200,
        "readyz": 200,
        "slack/events": 404,
        "docs": 404,
    }
