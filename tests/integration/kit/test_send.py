"""`anchorbolt send` reaches a team's own listeners under `dev`, and what they respond reaches the emulator there."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.integration.dev.running import dev
from tests.support.waiting import WITHIN_SECONDS

APP = """
import os

from slack_bolt import App

app = App(token=os.environ["SLACK_BOT_TOKEN"])


@app.command("/deploy")
def deploy(ack, respond, command):
    ack()
    respond(command["text"])


@app.action("approve")
def approve(ack, respond):
    ack()
    respond("approved")


@app.view("form")
def form(ack, view, say):
    ack(response_action="errors", errors=view["state"]["values"]["title"])


@app.event("file_shared")
def shared(event, client):
    client.users_info(user=event["user_id"])
"""

SENT = [
    (["command", "/deploy", "--text", "prod"], "command: done, deploy", "response_url"),
    (["block_actions", "--action-id", "approve"], "action: done, approve", "response_url"),
    (["view_submission", "--callback-id", "form", "--state", "title.title=x"], "view: done, form", ""),
    (["event", "--type", "file_shared", "--field", "user_id=U0ADA"], "event: done, shared", "users.info"),
]


async def test_the_listeners_of_a_team(tmp_path: Path) -> None:
    """Each request reaches its listener, whose calls and responses arrive where `dev` sees them."""
    (tmp_path / "app.py").write_text(APP)
    async with dev(tmp_path, "--no-demo", LISTENERS="app") as running:
        await running.serving()
        hint = await running.line(lambda line: "SLACK_API_URL=" in line)
        command = hint.partition("terminal: ")[2]
        for arguments, outcome, calls in SENT:
            await send(command, *arguments)
            line = await running.line(lambda line, outcome=outcome: outcome in line)  # type: ignore[misc]
            assert calls in line.partition("Web API calls")[2] if calls else "Web API calls" not in line


async def send(command: str, *arguments: str) -> None:
    """Runs the command as `dev` prints it, with other arguments. It must succeed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command.replace("app_mention", shlex.join(arguments))),
        env={**os.environ, "PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WITHIN_SECONDS):
        told, _ = await process.communicate()
    if process.returncode:
        pytest.fail(told.decode())
