"""Every payload that Slack is known to send gets the answer that it needs.

The corpus lies beside the repository, and is no part of it: without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.emulator.player import Player
from anchorbolt.emulator.samples import Sample, make
from anchorbolt.emulator.samples.sample import as_form, as_json, as_payload
from anchorbolt.emulator.scene import TEAM_ID, Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import ROOT
from tests.support.listener_log import ListenerLog

# Beside the repository, or beside a worktree's.
BESIDE = next((path for path in (ROOT.parent / "shared", ROOT.parents[1] / "shared") if path.is_dir()), ROOT.parent)
CORPUS = Path(os.environ.get("PAYLOADS", BESIDE / "payloads"))
NOBODY = "tests.support.no_listeners"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"NO PAYLOADS: {CORPUS} is not there, nothing was checked")


def corpus(folder: str) -> list[Sample]:
    """The payloads of one folder, encoded as Slack encodes them."""
    found = []
    for file in sorted((CORPUS / folder).glob("*.json")):
        payload = of_our_workspace(file.read_text())
        if folder == "interactive":
            found.append(as_payload(file.stem, folder, payload))
        elif folder == "commands" or "ssl_check" in payload:
            found.append(as_form(file.stem, folder, payload))
        else:
            found.append(as_json(file.stem, folder, payload))
    assert found, f"no payloads in {CORPUS / folder}"
    return found


def of_our_workspace(text: str) -> dict[str, Any]:
    """A payload of the corpus, whose workspaces are many, as the emulator's workspace would have it."""
    payload: dict[str, Any] = json.loads(text)
    named = ({}, *payload.get("authorizations", ()), payload.get("team") or {}, payload.get("user") or {}, payload)
    teams = {one.get("team_id") or one.get("id") for one in named if isinstance(one, dict)}
    for team in teams:
        if isinstance(team, str) and team.startswith("T"):
            text = text.replace(team, TEAM_ID)
    ours: dict[str, Any] = json.loads(text)
    return ours


async def statuses(samples: list[Sample], player: Player) -> dict[str, int | None]:
    """What each is answered with, one after the other."""
    return {sample.kind: (await player.send(sample)).status for sample in samples}


@pytest.mark.parametrize("listeners", ["tests.support.listeners", NOBODY])
async def test_every_event_is_taken_and_runs_once(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, listeners: str
) -> None:
    """Each event is 200 with and without a listener; sent again, also after a restart, it is 200 and runs nothing."""
    events = corpus("events")
    fine = {sample.kind: 200 for sample in events}
    app = start_app(LISTENERS=listeners)
    await app.until_ready()
    # 1. Each is taken, and taken again.
    assert await statuses(events, play_to(app)) == fine
    assert await statuses(events, play_to(app)) == fine
    # 2. After a restart too.
    app.terminate()
    assert await app.until_ended() == 0
    app = start_app(LISTENERS=listeners)
    await app.until_ready()
    assert await statuses(events, play_to(app)) == fine
    # 3. Nothing ran twice. (One more event comes after everything that the others would have caused.)
    last = make("app_mention", Scene(text="last"))
    await play_to(app).send(last)
    if listeners == NOBODY:
        assert listener_log.entries() == []
        return
    await listener_log.until_said("done", key=last.key)
    started = listener_log.counts("start")
    assert started.total() == len(started)
    # Bolt takes what the bot itself did for an echo: such events have no run to be counted.
    assert len(started) > len(events) / 2


@pytest.mark.parametrize(("listeners", "status"), [("tests.support.listeners", 200), (NOBODY, 404)])
async def test_what_a_user_waits_for_is_answered_by_its_listener(
    start_app: StartApp, play_to: PlayTo, listeners: str, status: int
) -> None:
    """Commands and interactions are 200 where a listener answers, and 404 where none does: the user is told."""
    app = start_app(LISTENERS=listeners)
    await app.until_ready()
    samples = corpus("commands") + corpus("interactive")
    assert await statuses(samples, play_to(app)) == {sample.kind: status for sample in samples}


async def test_control_requests_are_answered_at_once(start_app: StartApp, play_to: PlayTo) -> None:
    """A challenge goes back as it came; ssl_check and app_rate_limited get a 200, the last one a warning."""
    app = start_app(LISTENERS=NOBODY)
    await app.until_ready()
    acks = {sample.kind: await play_to(app).send(sample) for sample in corpus("control")}
    assert {kind: ack.status for kind, ack in acks.items()} == dict.fromkeys(acks, 200)
    sent = json.loads((CORPUS / "control" / "url_verification.json").read_text())
    assert json.loads(acks["url_verification"].body) == {"challenge": sent["challenge"]}
    warnings = [line for line in app.log() if line["level"] == "warning" and "30,000" in line["event"]]
    assert len(warnings) == 1
