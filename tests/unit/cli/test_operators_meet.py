"""Operators who meet, or mistype: each answer says what was found and what was done."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from anchorbolt.cli.inbox import dead, pauses, stopping
from anchorbolt.cli.workspaces import forget, rotate_keys
from anchorbolt.encryption import Keys
from anchorbolt.errors import AnchorboltError, InvalidSettingsError
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.workspaces import user_grants
from anchorbolt.workspaces.forgetting import Forgetting
from anchorbolt.workspaces.installation import Installation, Token
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.user_grants import UserGrant
from sqlalchemy import Connection

pytestmark = pytest.mark.usefixtures("no_log_of_a_command")


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of two dead letters of an inbox that no process serves, then of one that runs and one behind it."""
    path = tmp_path / "inbox.db"
    for name, value in (("SLACK_SIGNING_SECRET", "x"), ("SLACK_BOT_TOKEN", "x"), ("DATABASE_URL", f"sqlite:///{path}")):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)  # no .env of a developer's is read there
    keys = ["A1:dead-1", "A1:dead-2", "A1:runs", "A1:behind"]

    async def fill() -> None:
        inbox = Inbox(SqliteDatabase(path), lease_seconds=600)
        await inbox.open()
        deadline = time.monotonic() + 60
        for key in keys:
            lane = "C1" if "dead" not in key else key
            item = Item(
                key, lane, "event", "application/json", "{}", None, take=True, workspace="T1", conversation="C1"
            )
            accepted = await inbox.accept(item, deadline)
            if "dead" in key and accepted.held is not None:
                await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DEAD, "a bug"))
        await inbox.close()

    asyncio.run(fill())
    return keys


def another_replays(admin: Admin, connection: Connection, ids: Sequence[int]) -> int:
    """What comes before a replay, and another operator's replay with it."""
    admin.replay(connection, ids[:1])
    return 0


def test_named_letters_that_another_operator_has_taken(
    letters: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who named letters of which some are no longer dead is told how many, and the command does not end well."""
    monkeypatch.setattr(Admin, "without_key", another_replays)
    with pytest.raises(AnchorboltError, match=r"^1 were replayed, discarded or forgotten by somebody else meanwhile$"):
        dead.replay(letters[:2])
    assert capsys.readouterr().out == "1 replayed\n"


def test_all_letters_of_which_another_operator_has_taken_some(
    letters: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asked for all is told how many another one has taken; nothing is left to do."""
    assert letters
    monkeypatch.setattr(Admin, "without_key", another_replays)
    dead.replay(all_=True)
    said = capsys.readouterr()
    assert said.out == "1 replayed\n"
    assert "1 were replayed, discarded or forgotten by somebody else meanwhile" in said.err


def test_what_waits_behind_a_run_cannot_run_now(letters: list[str]) -> None:
    """It is not said that nothing waits there, but that it comes after what runs."""
    with pytest.raises(AnchorboltError, match="A1:behind waits behind another delivery of its lane C1, which runs"):
        stopping.run_now(letters[3])


def test_a_second_pause_of_everything(letters: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It says who has paused before, whose name is kept."""
    assert letters
    pauses.pause(by="ann")
    assert capsys.readouterr().out.startswith("Paused: all is accepted")
    pauses.pause(by="bob")
    assert capsys.readouterr().out.startswith("Paused already, by ann: all is accepted")
    pauses.list_()
    assert capsys.readouterr().out.rstrip().endswith("by ann")


@pytest.mark.parametrize(("scope", "known"), [("workspace", "T1"), ("conversation", "C1"), ("listener", None)])
def test_a_pause_of_a_name_that_nothing_has(
    letters: list[str], capsys: pytest.CaptureFixture[str], scope: str, known: str | None
) -> None:
    """It is paused, for what may come, and the command asks whether the name is right; not for one that is known."""
    assert letters
    pauses.pause(**{scope: "mistyped"})
    assert "Is mistyped its name? Nothing that waits or is dead has it" in capsys.readouterr().out
    if known is not None:
        pauses.pause(**{scope: known})
        assert "its name?" not in capsys.readouterr().out


def test_a_workspace_that_is_installed_while_it_is_forgotten(
    letters: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was installed meanwhile stays, and who forgets is told so: a deletion request is not done yet."""
    assert letters

    def installed(_: Forgetting, connection: Connection, workspace: str) -> tuple[int, int]:
        Installations("sqlite", Keys([b"k" * 32])).save(connection, Installation(workspace, Token("xoxb-1")))
        return 0, 0

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Forgetting, "delete_gates_and_pause", installed)
        with pytest.raises(AnchorboltError, match="installed in T9 again meanwhile, which stays"):
            forget.forget("T9", yes=True, wait=0)
    assert capsys.readouterr().out == "Nothing was stored of T9.\n"
    forget.forget("T9", yes=True, wait=0)
    assert capsys.readouterr().out == "Deleted of T9: its installation.\n"


def test_tokens_that_another_operator_has_deleted_are_not_counted(
    letters: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two who forget at once, one says what it has deleted, and the other that there was nothing left."""
    assert letters
    read_before = [UserGrant("U1", "", "installed", None, None, 1.0)]
    monkeypatch.setattr(user_grants, "read", lambda *_: read_before)
    forget.forget("T9", yes=True, wait=0)
    assert capsys.readouterr().out == "Nothing was stored of T9.\n"


def test_a_key_is_lost_that_has_encrypted_nothing(
    letters: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped name gives nothing up, and says so; a key that is here is not lost; what was done names the key."""
    assert letters
    key = b"k" * 32
    monkeypatch.setenv("TOKEN_KEYS", base64.b64encode(key).decode())
    with pytest.raises(AnchorboltError, match="no token that works is encrypted with a key mistyped"):
        rotate_keys.rotate_keys(lost="mistyped")
    with pytest.raises(InvalidSettingsError, match="so it is not lost"):
        rotate_keys.rotate_keys(lost=Keys([key]).first)
    assert capsys.readouterr().out == ""
    rotate_keys.rotate_keys()
    assert f"Everything is encrypted with the first key, {Keys([key]).first}: " in capsys.readouterr().out
