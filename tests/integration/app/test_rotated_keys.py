"""Keys are rotated on SQLite, where one process serves: nothing fails, and the new key alone decrypts everything."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.encryption import Keys, key_name

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog
from tests.support.steady import Steady
from tests.support.waiting import until

OLD, NEW = b"o" * 32, b"n" * 32


def setting(*keys: bytes) -> str:
    """TOKEN_KEYS with these keys."""
    return ",".join(base64.b64encode(key).decode() for key in keys)


def query(directory: Path, sql: str) -> list[Any]:
    """The first column of what a statement finds in the inbox."""
    with closing(sqlite3.connect(f"file:{directory / 'inbox.db'}?mode=ro", uri=True, timeout=10)) as connection:
        return [row[0] for row in connection.execute(sql)]


async def test_keys_are_rotated_under_load(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, slack: Emulator, tmp_path: Path
) -> None:
    """A new key first, `rotate-keys`, the old key away, with 20 events a second that are sent again while the process
    is replaced: each is done once, no letter is dead of it, and a letter of before decrypts with the new key."""
    app = start_app(TOKEN_KEYS=setting(OLD))
    await app.until_ready()
    slack.script.add(Line(method="api.test", error="not_in_channel", times=None))
    letter = await play_to(app).send(make("app_mention", Scene(channel_id="C0LETTER", text="api=api.test")))
    await until(lambda: query(tmp_path, "SELECT key FROM delivery WHERE state = 'dead'"), what="there is a dead letter")

    async def again(app: AppProcess, keys: str) -> AppProcess:
        app.terminate()
        assert await app.until_ended() == 0
        fresh = start_app(TOKEN_KEYS=keys, PORT=app.port, INTERNAL_PORT=app.internal_port)
        await fresh.until_ready()
        return fresh

    async with Steady([app.url]) as steady:
        app = await again(app, setting(NEW, OLD))
        said = await asyncio.to_thread(app.command_line, "workspaces", "rotate-keys")
        assert "the others may be taken out of TOKEN_KEYS" in said
        app = await again(app, setting(NEW))
    await until(
        lambda: not query(tmp_path, "SELECT key FROM delivery WHERE state = 'live'"), 60, what="everything has ended"
    )
    assert len(steady.keys) > 20
    done = listener_log.counts("done")
    assert {key: done[key] for key in steady.keys} == dict.fromkeys(steady.keys, 1)
    assert query(tmp_path, "SELECT key FROM delivery WHERE state = 'dead'") == [letter.sample.key]
    texts = "SELECT body || x'0a' || headers || x'0a' || history FROM delivery WHERE state = 'dead'"
    names = {key_name(line) for text in query(tmp_path, texts) for line in text.split("\n") if line}
    assert names == {key_name(Keys([NEW]).encrypt("x", "x"))}
    # Before the next command, which may hold the file for longer than the server waits, where the machine stands still.
    assert not app.log("store down: events are refused, commands go on unprotected")
    shown = json.loads(await asyncio.to_thread(app.command_line, "inbox", "show", "--json", str(letter.sample.key)))
    assert shown["payload"]["event"]["text"].startswith("api=api.test")
