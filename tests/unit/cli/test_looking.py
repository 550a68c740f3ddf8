"""Commands that only look change nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from anchorbolt import main
from anchorbolt.settings.model import Settings

from tests.support import forked_commands
from tests.support.app_process import ROOT
from tests.support.ports import free_port


def look(directory: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`anchorbolt`, in a folder that has nothing in it; in a process that is forked, not started anew."""
    return forked_commands.run(directory, environment(more), arguments)


SERVES_IN_AN_EXECUTOR = """
import asyncio
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

async def main():
    app = App(token="xoxb-1")
    app.event("app_mention")(print)
    await asyncio.to_thread(SocketModeHandler(app, "xapp-1").start)

if __name__ == "__main__":
    asyncio.run(main())
"""


def start(directory: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The same, started as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "anchorbolt", *arguments],
        cwd=directory,
        env=environment(more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What every command needs, and more settings."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SLACK_SIGNING_SECRET": "x",
        "SLACK_BOT_TOKEN": "xoxb-x",
        "LISTENERS": "anchorbolt_sample",
        **more,
    }


@pytest.mark.parametrize(
    "command", [("inbox", "list"), ("inbox", "show", "A:Ev1"), ("inbox", "replay", "--all"), ("inbox", "pause")]
)
def test_the_inbox_is_not_made_by_looking(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Where nothing has served yet, the commands of the inbox say so, end with 1 and leave no file behind."""
    result = look(tmp_path, *command)
    assert result.returncode == 1
    assert "no inbox at var/anchorbolt.db yet" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_check_makes_no_inbox(tmp_path: Path) -> None:
    """`check` says that there is no inbox yet, which is nothing wrong, and leaves no file behind."""
    result = look(tmp_path, "check")
    assert result.returncode == 0
    assert "no inbox at var/anchorbolt.db yet" in result.stdout
    assert "all is well" in result.stdout
    assert list(tmp_path.iterdir()) == []


NEEDS_A_LOOP = """
import asyncio

async def refresh():
    await asyncio.Event().wait()

def register(app):
    app.refreshing = asyncio.get_running_loop().create_task(refresh())
    assert "uvloop" in type(app.refreshing.get_loop()).__module__
"""


def test_a_check_loads_listeners_as_serving_does(tmp_path: Path) -> None:
    """A register(app) that begins a task needs a running loop: `check` calls it in the loop that `serve` uses, by the
    same function, and ends all the same."""
    (tmp_path / "listeners_with_a_task.py").write_text(NEEDS_A_LOOP)
    checked = look(tmp_path, "check", LISTENERS="listeners_with_a_task")
    assert "all is well" in checked.stdout, checked.stdout
    assert checked.stderr == ""
    with pytest.raises(RuntimeError, match="no running event loop"):  # nobody can load them in another way
        main.load(Settings(_env_file=None, listeners="anchorbolt_sample"))


def test_a_setting_in_a_dotenv_file_counts(tmp_path: Path) -> None:
    """A setting in `.env` is read."""
    (tmp_path / ".env").write_text("LISTENERS=nobody.there\n")
    assert "no module named 'nobody'" in look(tmp_path, "check", LISTENERS="").stdout


def test_a_teams_variable_in_a_dotenv_file_reaches_its_module(tmp_path: Path) -> None:
    """Any other name in `.env` is in the environment when the team's module is imported, as docs/settings.md says."""
    (tmp_path / ".env").write_text("OPENAI_KEY=x\n")
    (tmp_path / "mine.py").write_text("import os\ndef register(app):\n    assert os.environ['OPENAI_KEY'] == 'x'\n")
    checked = look(tmp_path, "check", LISTENERS="mine")
    assert "all is well" in checked.stdout, checked.stdout


def test_what_was_made_is_looked_at(tmp_path: Path) -> None:
    """After `migrate` there is an inbox, and all commands read it, each in an interpreter of its own."""
    assert start(tmp_path, "migrate").returncode == 0
    assert "its schema fits" in start(tmp_path, "check").stdout
    assert "0 waiting" in start(tmp_path, "inbox", "list").stdout
    assert "0 installed" in start(tmp_path, "workspaces", "list").stdout
    assert "No region is drained." in start(tmp_path, "region", "status").stdout


def test_a_check_ends_though_a_thread_of_the_team_serves(tmp_path: Path) -> None:
    """Python waits at its end for the threads of an executor: one in which a main block has started its app ends."""
    (tmp_path / "bot.py").write_text(SERVES_IN_AN_EXECUTOR)
    checked = start(tmp_path, "check", LISTENERS="bot:__main__")
    assert "all is well" in checked.stdout, checked.stdout
    assert checked.returncode == 0


def test_a_check_names_what_opentelemetry_would_trip_over(tmp_path: Path) -> None:
    """A malformed variable of OpenTelemetry's is named by `check`, and `serve` does not begin with it."""
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_BSP_SCHEDULE_DELAY": "5s"}
    checked = start(tmp_path, "check", **wrong)
    assert "wrong: OTEL_BSP_SCHEDULE_DELAY: is no number of milliseconds" in checked.stdout
    assert checked.returncode == 2
    ports = {"HOST": "127.0.0.1", "PORT": str(free_port()), "INTERNAL_PORT": str(free_port())}
    served = start(tmp_path, "serve", **wrong, **ports)
    assert "OTEL_BSP_SCHEDULE_DELAY: is no number of milliseconds" in served.stderr
    assert served.returncode == 2


def test_a_held_listener_is_listed_and_released(tmp_path: Path) -> None:
    """`inbox holds` names a listener that is held and of what; `inbox release` lets it go on, once."""
    assert look(tmp_path, "migrate").returncode == 0
    assert look(tmp_path, "inbox", "holds").stdout == "No listener is held.\n"
    with closing(sqlite3.connect(tmp_path / "var" / "anchorbolt.db")) as connection:
        connection.execute("INSERT INTO hold VALUES ('ours.on_message', '7', 'builtins.KeyError at ours:3', 3, 1, 1)")
        connection.commit()
    told = look(tmp_path, "inbox", "holds").stdout
    assert told.startswith("ours.on_message: held for ")
    assert "3 in a row of builtins.KeyError at ours:3; version 7" in told
    assert "Released: ours.on_message" in look(tmp_path, "inbox", "release", "ours.on_message").stdout
    again = look(tmp_path, "inbox", "release", "ours.on_message")
    assert (again.returncode, "is not held" in again.stderr) == (1, True)
