"""A team's folder is the working directory, and what LISTENERS names is found in it, whatever it is called."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.installed.conftest import Installed
from tests.support.app_process import ROOT, AppProcess
from tests.support.waiting import until

REGISTER = """
def register(app):
    @app.event("app_mention")
    async def answer(say):
        await say("from {module}")
"""
APP_THAT_TAKES_LISTENERS = "from listeners import register"

FOLDERS = {
    "app.py": ("app", {"app.py": REGISTER.format(module="app.py")}),
    "app.py and listeners/": (
        "app",
        {"app.py": APP_THAT_TAKES_LISTENERS, "listeners/__init__.py": REGISTER.format(module="listeners")},
    ),
    "a package app": ("app", {"app/__init__.py": REGISTER.format(module="the package app")}),
    "a module in a package app": (
        "app.listeners",
        {"app/__init__.py": "", "app/listeners.py": REGISTER.format(module="app.listeners")},
    ),
}


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that the app calls."""
    async with Emulator() as emulator:
        yield emulator


def write(folder: Path, files: dict[str, str]) -> None:
    """Makes a team's folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.mark.parametrize(("listeners", "files"), FOLDERS.values(), ids=FOLDERS)
async def test_what_the_team_brings_runs(
    installed: Installed, slack: Emulator, tmp_path: Path, listeners: str, files: dict[str, str]
) -> None:
    """`anchorbolt serve` in the team's folder answers an event with the team's listener."""
    write(tmp_path, files)
    expected = next(text for text in files.values() if "say(" in text).split('"')[-2]
    app = AppProcess.start(tmp_path, slack.api_url, anchorbolt=[installed.command], PYTHONPATH="", LISTENERS=listeners)
    try:
        await app.until_ready()
        async with client() as http:
            ack = await Player(http, app.url, EMULATOR_SECRET, wait_seconds=30).send(make("app_mention"))
        assert ack.status == 200
        await until(
            lambda: expected in [call.arguments.get("text") for call in slack.calls.since(method="chat.postMessage")],
            what=f"{expected!r} is posted",
        )
    finally:
        app.kill()


@pytest.mark.parametrize("listeners", ["app", "listeners", "app.listeners"])
def test_a_missing_module_is_reported_as_missing(installed: Installed, tmp_path: Path, listeners: str) -> None:
    """In an empty folder nothing of ours is taken for the team's module: its name is told, with exit code 1."""
    told = complaint(installed, tmp_path, listeners)
    assert f"LISTENERS={listeners}: no module named" in told


def test_a_folder_without_python_files_is_no_module(installed: Installed, tmp_path: Path) -> None:
    """A folder `app` that holds no module, as in a checkout, is not taken for one."""
    (tmp_path / "app").mkdir()
    assert "LISTENERS=app: no such module can be imported: there is only a folder" in complaint(
        installed, tmp_path, "app"
    )


def test_the_old_name_of_the_sample_app_is_told_with_the_new_one(installed: Installed, tmp_path: Path) -> None:
    """Who still sets LISTENERS=app.listeners and has no such module reads what to write now."""
    assert "LISTENERS=anchorbolt_sample" in complaint(installed, tmp_path, "app.listeners")


def test_the_old_command_is_told_with_the_new_one() -> None:
    """Who still calls `python -m app` in a checkout reads what to write now, and the image holds the same words."""
    done = subprocess.run([sys.executable, "-m", "app", "serve"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "anchorbolt COMMAND" in done.stderr) == (1, True)
    assert "COPY app/__main__.py" in (ROOT / "Dockerfile").read_text()


def test_the_wheel_holds_the_product_alone(installed: Installed) -> None:
    """No sample app, no tests and no module named `app` come with the product."""
    folders = {name.split("/")[0] for name in installed.files}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"anchorbolt"}


def complaint(installed: Installed, folder: Path, listeners: str) -> str:
    """What `anchorbolt check` says of LISTENERS in a folder."""
    done = subprocess.run(
        [installed.command, "check"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LISTENERS": listeners},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2  # a mistake in the settings
    return done.stdout
