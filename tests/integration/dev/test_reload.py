"""`dev` restarts the app when a file of it is saved, and loses no request over it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.signing import EMULATOR_SECRET

from tests.integration.dev.running import Dev, dev
from tests.support.waiting import until

# Apps as teams have them: made in the module, of what the environment says. The listener writes what it has to say into
# a file.
SYNC = """
import os, pathlib
from slack_bolt import App
from words import NAME

app = App(token=os.environ["SLACK_BOT_TOKEN"], signing_secret=os.environ["SLACK_SIGNING_SECRET"])

@app.event("app_mention")
def answer(event):
    with open("said.txt", "a") as file:
        print("TEXT", NAME, os.environ.get("TEAM_WORD", "-"), file=file)
"""
ASYNC = (
    SYNC.replace("slack_bolt import", "slack_bolt.async_app import")
    .replace("App\n", "AsyncApp\n")
    .replace("App(", "AsyncApp(")
    .replace("def answer", "async def answer")
)
ENDLESS = ASYNC.replace(
    "async def answer(event):",
    "async def answer(event):\n    import asyncio; print('begun', flush=True); await asyncio.sleep(1000)",
)


class Team:
    """The folder of a team."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.save("words.py", "NAME = 'one'\n")

    def save(self, name: str, text: str) -> None:
        """Saves a file, as an editor does."""
        (self.folder / name).write_text(text)

    @property
    def said(self) -> list[str]:
        """What the listener has said, a line a run."""
        file = self.folder / "said.txt"
        return file.read_text().splitlines() if file.exists() else []

    async def mention(self, running: Dev) -> str:
        """Mentions the app, and returns what it says to that."""
        before = len(self.said)
        await mention(running)
        await until(lambda: len(self.said) > before, what="the listener")
        return self.said[-1]


async def mention(running: Dev) -> None:
    """Sends one event, which has to be taken."""
    async with client() as http:
        ack = await Player(http, running.url, EMULATOR_SECRET).send(make("app_mention"))
    assert ack.ok, ack


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """A folder with what the apps above import."""
    return Team(tmp_path)


async def restarted(running: Dev) -> str:
    """Reads on until the app was restarted, and returns the line that says so."""
    return await running.line(lambda line: line.startswith(("Restarted", "Not restarted", "The app ended")))


@pytest.mark.parametrize("app", [SYNC, ASYNC], ids=["App", "AsyncApp"])
async def test_a_saved_change_answers_and_a_mistake_leaves_the_old_one(team: Team, app: str) -> None:
    """A saved listener, module or `.env` takes effect; with a syntax error, its line is shown and nothing changes."""
    team.save("app.py", app)
    async with dev(team.folder, "--no-demo", LISTENERS="app") as running:
        await running.serving()
        assert "\nSaved changes are served at once; watching .env and .\n" in running.text
        assert await team.mention(running) == "TEXT one -"
        # 1. the listener itself
        team.save("app.py", app.replace("TEXT", "changed"))
        assert (await restarted(running)).endswith(" s: app.py")
        assert await team.mention(running) == "changed one -"
        # 2. a syntax error in what it imports: shown with file and line, and what was there goes on
        team.save("words.py", "# two lines\nNAME = = 'two'\n")
        assert (await restarted(running)).startswith("Not restarted after words.py")
        assert "SyntaxError" in running.text
        assert f"{team.folder}/words.py:2" in running.text
        assert await team.mention(running) == "changed one -"
        # 3. an exception at import
        team.save("words.py", "NAME = 1 / 0\n")
        assert (await restarted(running)).startswith("Not restarted after words.py")
        assert f"ZeroDivisionError: division by zero ({team.folder}/words.py:1)" in running.text
        # 4. mended
        team.save("words.py", "NAME = 'two'\n")
        assert (await restarted(running)).endswith(" s: words.py")
        assert await team.mention(running) == "changed two -"
        # 5. the team's own variables
        team.save(".env", "TEAM_WORD=word\n")
        assert (await restarted(running)).endswith(" s: .env")
        assert await team.mention(running) == "changed two word"
        # 6. the end is the one that it always had
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.end() == 0, running.text
        assert "Traceback" not in running.text


async def test_what_is_sent_during_a_restart_is_taken_and_run_once(team: Team) -> None:
    """Events that are sent one after the other while the app restarts are all acknowledged, and run once each."""
    team.save("app.py", ASYNC)
    async with dev(team.folder, "--no-demo", LISTENERS="app") as running:
        await running.serving()
        sent = 0
        team.save("app.py", ASYNC.replace("TEXT", "changed"))
        restart = asyncio.create_task(restarted(running))
        while not restart.done():
            await mention(running)
            sent += 1
        assert restart.result().startswith("Restarted"), running.text
        await until(lambda: len(team.said) >= sent, what="all runs")
        assert await team.mention(running) == "changed one -"
        assert len(team.said) == sent + 1


async def test_a_run_that_does_not_end_is_run_by_the_next_process(team: Team) -> None:
    """A listener that still runs is cancelled after two seconds, and the changed one gets the same delivery."""
    team.save("app.py", ENDLESS)
    async with dev(team.folder, "--no-demo", LISTENERS="app") as running:
        await running.serving()
        await mention(running)
        await running.line(lambda line: line == "begun")
        team.save("app.py", ASYNC)
        assert (await restarted(running)).startswith("Restarted"), running.text
        await until(lambda: team.said == ["TEXT one -"], what="the second run")


async def test_what_is_not_the_team_s_restarts_nothing(team: Team) -> None:
    """Files below var/ and .venv, and what is no Python, are not watched; the app's own file is."""
    team.save("app.py", ASYNC)
    (team.folder / "var").mkdir()
    (team.folder / ".venv").mkdir()
    async with dev(team.folder, "--no-demo", LISTENERS="app") as running:
        await running.serving()
        for name in ("var/one.py", ".venv/two.py", "notes.txt"):
            team.save(name, "1\n")
        await asyncio.sleep(0)
        team.save("app.py", ASYNC.replace("TEXT", "changed"))
        assert (await restarted(running)).endswith(" s: app.py")
        assert running.text.count("Restarted") == 1
