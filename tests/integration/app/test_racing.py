"""Operators who do everything at once on a SQLite file, beside the one process that serves it, which dies once."""

from __future__ import annotations

from pathlib import Path

import pytest
from anchorbolt.emulator.player import Ack
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.inbox.sqlite import SqliteDatabase

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.listener_log import ListenerLog
from tests.support.operators import check, race, read_states, send_events


@pytest.mark.timeout(300)  # ninety of them are for what waits at the end, on a machine that is busy
async def test_nothing_is_lost_doubled_or_stuck(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, tmp_path: Path
) -> None:
    """Cancelled, skipped, discarded, replayed, run at once, paused and resumed by four at once, while the process is
    killed and started again: what is done has run, nothing more often than it lived, no two of a lane at once, and
    every lane is empty at the end."""
    app = start_app(LEASE_SECONDS=2, RUN_CONCURRENCY=3)
    await app.until_ready()
    player = play_to(app)

    async def send(_: int, text: str, lane: int) -> Ack:
        scene = Scene(channel_id=f"C0LANE{lane}", thread_ts=f"1700000000.{lane:06d}", text=text)
        ack = await player.send(make("app_mention", scene))
        assert ack.status == 200
        return ack

    keys = await send_events(send)
    killed = app.worker_pid

    def beside() -> SqliteDatabase:
        return SqliteDatabase(tmp_path / "inbox.db", serves=False, makes=False, busy_seconds=5)

    async def meanwhile() -> None:
        app.kill()
        await start_app(LEASE_SECONDS=2, RUN_CONCURRENCY=3).until_ready()

    operators = await race(beside, keys, meanwhile)
    check(await read_states(beside), listener_log, operators, keys, killed)
