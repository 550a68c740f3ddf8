"""A listener whose deliveries die in a row of the same error is held: what comes for it is not buried."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anchorbolt_sample
import pytest
import sqlalchemy
from anchorbolt.bolt import slack_words, team_code
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.parking import sentence
from anchorbolt.inbox.tables import lane
from anchorbolt.telemetry import metrics
from anchorbolt.worker.holding import fingerprint
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from sqlalchemy import Row, update
from structlog.testing import capture_logs

from tests.support.app_in_process import App
from tests.support.waiting import until, until_answer
from tests.unit.bolt.conftest import AppWith


@dataclass
class Release:
    """A release of an app: its listener of mentions dies while `broken`, and notes what it did in `done`."""

    broken: bool = True
    done: list[str] = field(default_factory=list)
    runs: int = 0

    def register(self, app: AsyncApp) -> None:
        """Registers its listeners."""

        @app.event("app_mention")
        async def mentioned(event: dict[str, Any]) -> None:
            self.runs += 1
            if self.broken:
                raise KeyError(event["text"])
            self.done.append(event["text"])

        @app.event("message")
        async def message(event: dict[str, Any]) -> None:
            self.done.append(event["text"])

        @app.command("/approval")
        async def command(ack: AsyncAck) -> None:
            await ack("at once")


async def mention(app: App, text: str, thread: str = "", kind: str = "app_mention") -> str:
    """Sends a mention and returns its key."""
    scene = Scene(text=text, thread_ts=thread or f"17600000{len(text):02}.{ord(text[-1]):06}")
    ack = await app.player.send(make(kind, scene))
    assert ack.status == 200
    return str(ack.sample.key)


async def die(app: App, texts: str) -> None:
    """Sends mentions that die, one after the other."""
    for text in texts:
        assert (await app.until_ended(await mention(app, f"x{text}"))).state == "dead"


async def waits(app: App, key: str) -> Row[Any]:
    """Waits until a delivery waits for its listener."""

    async def waiting() -> Row[Any] | None:
        row = await app.stored(key)
        return row if row is not None and (row.error or "").startswith(sentence("hold:")) else None

    return await until_answer(waiting, what=f"{key} waits")


async def as_admin(app: App, work: Callable[[Admin, Any], Any]) -> Any:
    """What an operator's command does."""
    admin = Admin(app.parts.inbox.database.dialect)
    return await app.parts.inbox.database.transact(lambda connection: work(admin, connection))


async def test_the_fourth_waits_and_runs_after_a_release(app_with: AppWith) -> None:
    """After three deaths of the same error what comes waits, no attempt counted, in order, until it is released."""
    release = Release()
    with capture_logs() as lines:
        async with app_with(release.register, app_version="1") as app:
            await die(app, "abc")
            assert app.parts.worker.held_listeners == 1
            # 1. Two of one thread wait, the second behind the first, and so does another listener's in that lane.
            first = await mention(app, "first", "1760000000.000100")
            behind = await mention(app, "behind", "1760000000.000100", "message")
            second = await mention(app, "second", "1760000000.000100")
            row = await waits(app, first)
            assert (row.state, row.attempts) == ("live", 0)
            assert release.runs == 3
            # 2. Other listeners go on in other lanes, and who waits for an ack gets it.
            assert (await app.until_ended(await mention(app, "other", "", "message"))).state == "done"
            assert (await app.player.send(make("command"))).body == b"at once"
            # 3. It is released, and mended.
            (hold,) = await as_admin(app, Admin.holds)
            assert (hold.deaths, hold.version, hold.held_seconds is not None) == (3, "1", True)
            release.broken = False
            assert await as_admin(app, lambda admin, connection: admin.release(connection, hold.listener))
            for key in (first, behind, second):
                assert (await app.until_ended(key)).state == "done"
            await until(lambda: app.parts.worker.held_listeners == 0, what="it is held no more")
    assert release.done == ["other", "first", "behind", "second"]
    (line,) = [line for line in lines if line["event"] == "listener held: what comes for it waits"]
    assert (line["log_level"], line["listener"]) == ("error", hold.listener)
    assert metrics.attempts.value("event", "held") > 0


@pytest.mark.parametrize("version", ["1", "2"])
async def test_another_version_goes_on(app_with: AppWith, tmp_path: Path, version: str) -> None:
    """A hold outlives the process, and is of the version that died: what waited runs in the next version."""
    release = Release()
    database = f"sqlite:///{tmp_path / 'inbox.db'}"
    async with app_with(release.register, app_version="1", database_url=database) as app:
        await die(app, "abc")
        key = await mention(app, "waits", "1760000000.000100")
        await waits(app, key)
    release.broken = False
    async with app_with(release.register, app_version=version, database_url=database) as app:
        await app.parts.inbox.database.transact(lambda c: c.execute(update(lane).values(claimable_at=0)))
        if version == "1":
            other = await mention(app, "next", "1760000001.000100")
            await waits(app, other)
            assert release.done == []
        else:
            assert (await app.until_ended(key)).state == "done"
            assert app.parts.worker.held_listeners == 0


async def test_a_success_begins_the_count_again(app_with: AppWith) -> None:
    """Two deaths, a delivery that ends well, and two deaths more hold nothing: three must be in a row."""
    release = Release()
    async with app_with(release.register, app_version="1") as app:
        for texts in ("ab", "cd"):
            await die(app, texts)
            release.broken = False
            assert (await app.until_ended(await mention(app, f"well{texts}"))).state == "done"
            release.broken = True

            async def forgotten() -> bool:
                return not await as_admin(app, Admin.holds)

            await until_answer(forgotten, what="the count is forgotten")
        assert app.parts.worker.held_listeners == 0


async def test_different_errors_hold_nothing(app_with: AppWith) -> None:
    """Deaths of different errors are not those of a broken release."""
    errors = iter([KeyError("a"), ValueError("a"), KeyError("a"), LookupError("a")])

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise next(errors)

    async with app_with(register) as app:
        await die(app, "abcd")
        assert app.parts.worker.held_listeners == 0


@pytest.mark.parametrize(
    "error",
    [
        SlackApiError("refused", {"ok": False, "error": "not_in_channel"}),  # type: ignore[no-untyped-call]
        ConnectionRefusedError("the other side is away"),
    ],
    ids=["of one channel", "transient"],
)
async def test_what_says_nothing_of_the_release_holds_nothing(app_with: AppWith, error: Exception) -> None:
    """Slack's no to one channel or user, and a service that is away for too long, hold no listener."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise error

    async with app_with(register, max_attempts=1) as app:
        await die(app, "abcd")
        assert app.parts.worker.held_listeners == 0


def test_the_words_of_one_request_are_permanent() -> None:
    """Each of Slack's words that holds nothing is one of those that are sorted as permanent."""
    assert slack_words.OF_THIS_REQUEST <= slack_words.PERMANENT
    assert slack_words.OF_THIS_WORKSPACE <= slack_words.PERMANENT
    assert slack_words.OF_THIS_REQUEST.isdisjoint(slack_words.OF_THIS_WORKSPACE)


@pytest.mark.parametrize("word", ["token_revoked", "missing_scope"])
async def test_one_workspace_holds_its_own_listener_where_there_is_no_other(app_with: AppWith, word: str) -> None:
    """With one token, a word about the workspace is about all that comes: it waits instead of dying."""

    def register(app: AsyncApp) -> None:
        @app.event("app_mention")
        async def mentioned() -> None:
            raise SlackApiError("refused", {"ok": False, "error": word})  # type: ignore[no-untyped-call]

    async with app_with(register) as app:
        await die(app, "abc")
        assert app.parts.worker.held_listeners == 1


def raised(text: str, error: type[Exception] = KeyError) -> Exception:
    """An error that was raised at one place, with any text."""
    try:
        raise error(text)
    except error as found:
        return found


def test_a_fingerprint_has_no_variable_text() -> None:
    """Class and place are the fingerprint, and what the message says is not."""
    assert fingerprint(raised("U1")) == fingerprint(raised("U2"))
    assert "U1" not in fingerprint(raised("U1"))
    assert fingerprint(raised("U1")) != fingerprint(raised("U1", ValueError))
    assert "test_holding.raised" in fingerprint(raised("U1"))


def test_a_fingerprint_has_the_word_of_slack() -> None:
    """Two refusals at one place are different errors where Slack gave different words."""

    def refused(word: str) -> str:
        return fingerprint(SlackApiError("refused", {"ok": False, "error": word}))  # type: ignore[no-untyped-call]

    assert refused("missing_scope").endswith("(missing_scope)")
    assert refused("missing_scope") != refused("token_revoked")


def test_whose_code_it_is() -> None:
    """The sample app and these tests are a team's code; this app, Python and libraries are not."""
    for module in (anchorbolt_sample, sys.modules[__name__]):
        assert team_code.is_teams(str(module.__file__))
    for module in (team_code, json, sqlalchemy):
        assert not team_code.is_teams(str(module.__file__))


def test_the_version_is_that_of_the_sources(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without APP_VERSION, the version changes when a source file of the team's does, and only then."""
    module = tmp_path / "teams_listeners.py"
    module.write_text("def register(app): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("teams_listeners")
    before = team_code.version_of("teams_listeners")
    assert team_code.version_of("teams_listeners") == before
    module.write_text("def register(app): pass\n")
    assert team_code.version_of("teams_listeners") != before


def test_the_version_is_that_of_every_module_in_listeners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed app counts wherever it stands in LISTENERS, though its folder is that of libraries."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    module = folder / "installed_listeners.py"
    module.write_text("def register(app): ...\n")
    monkeypatch.syspath_prepend(folder)
    __import__("installed_listeners")
    before = team_code.version_of("anchorbolt_sample, installed_listeners:register")
    module.write_text("def register(app): pass\n")
    assert team_code.version_of("anchorbolt_sample, installed_listeners:register") != before
