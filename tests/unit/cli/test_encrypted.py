"""What `anchorbolt inbox` says of deliveries that are stored encrypted, with their key and without it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path

from anchorbolt.encryption import Keys
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.history import Past, line
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase

from tests.unit.cli.test_looking import look

KEY = "A1:Ev1"
SECRET, OTHER = b"k" * 32, b"o" * 32
PAST = Past(1, "app.on", "pod-1", 1_700_000_000.0, 1.5, "dead", "error", "ValueError: no", "Traceback of it")


def env(key: bytes) -> dict[str, str]:
    """The settings of an operator who has this key."""
    return {"TOKEN_KEYS": base64.b64encode(key).decode(), "COLUMNS": "300"}


def store(directory: Path) -> None:
    """An inbox with an encrypted dead letter."""
    text = '{"type":"message","channel":"C1","text":"hello"}'
    body = f'{{"type":"event_callback","api_app_id":"A1","event_id":"Ev1","event":{text}}}'

    async def work() -> None:
        database = SqliteDatabase(directory / "var" / "anchorbolt.db")
        inbox = Inbox(database, lease_seconds=9, keys=Keys([SECRET]))
        await inbox.open()
        of = Item(KEY, "C1", "event", "application/json", body, take=True)
        held = (await inbox.accept(of, time.monotonic() + 10)).held
        assert held is not None
        assert inbox.encryption is not None
        record = inbox.encryption.encrypted_line(KEY, line(PAST))
        await inbox.complete(Outcome(held.lease, held.stored.id, End.DEAD, "ValueError: no", record=record))
        await inbox.close()

    asyncio.run(work())


def test_show_decrypts_with_the_key_and_says_what_is_missing_without_it(tmp_path: Path) -> None:
    """With the key, payload and attempts are there; without it the rest is shown, and why the payload is not."""
    store(tmp_path)
    shown = look(tmp_path, "inbox", "show", KEY, **env(SECRET))
    assert shown.returncode == 0, shown.stderr
    assert '"text": "hello"' in shown.stdout
    assert "Traceback of it" in shown.stdout
    for settings in (env(OTHER), {}):
        locked = look(tmp_path, "inbox", "show", KEY, **settings)
        assert locked.returncode == 0, locked.stderr
        assert "cannot be decrypted here: TOKEN_KEYS has no key" in locked.stdout
        assert KEY in locked.stdout
    said = json.loads(look(tmp_path, "inbox", "show", KEY, "--json", **env(OTHER)).stdout)
    assert "TOKEN_KEYS has no key" in said["undecryptable"]


def test_list_needs_no_key(tmp_path: Path) -> None:
    """A list has nothing that is encrypted."""
    store(tmp_path)
    assert KEY in look(tmp_path, "inbox", "list").stdout


def test_a_replay_without_the_key_is_done_and_says_so(tmp_path: Path) -> None:
    """The pods may have the key, so a replay is not refused; with the key nothing is said."""
    store(tmp_path)
    replayed = look(tmp_path, "inbox", "replay", KEY, **env(OTHER))
    assert (replayed.returncode, replayed.stdout.strip()) == (0, "1 replayed")
    assert "1 of them are encrypted with a key that TOKEN_KEYS does not have here" in replayed.stderr


def test_a_replay_with_the_key_says_nothing_of_it(tmp_path: Path) -> None:
    """Who has the key is not warned."""
    store(tmp_path)
    replayed = look(tmp_path, "inbox", "replay", KEY, **env(SECRET))
    assert (replayed.returncode, replayed.stderr) == (0, "")
