"""The database is full, locked, broken or somebody else's: nothing is acknowledged that is not stored, and it mends."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anchorbolt.emulator.player import Ack, Player
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.app_process import AppProcess
from tests.support.listener_log import ListenerLog
from tests.support.waiting import until_answer

DOWN = "store down: events are refused, commands go on unprotected"
# Mounts within namespaces of its own: nobody else sees them, they go with the process, and no root is needed.
NAMESPACE = ("unshare", "--map-root-user", "--mount")


def may_mount() -> bool:
    """Whether this machine lets us have a file system of our own."""
    probe = [*NAMESPACE, "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def fill(filler: Path) -> None:
    """Takes all the space that is left where the file lies."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def empty(filler: Path) -> None:
    """Gives it back."""
    filler.unlink()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program holds the file open for writing."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def event(player: Player) -> Ack:
    """A fresh event."""
    return await player.send(make("app_mention"))


async def until_status(player: Player, status: int) -> Ack:
    """Sends fresh events until one gets this answer; there may be none but 200 and 425."""

    async def ask() -> Ack | None:
        ack = await event(player)
        assert ack.status in {200, 425}
        return ack if ack.status == status else None

    return await until_answer(ask, what=f"an event that is answered with {status}")


async def expect_refusals_then_recovery(app: AppProcess, player: Player, listener_log: ListenerLog, advice: str) -> Ack:
    """While the store is down: events are refused, commands answered, and the log says why. Returns the refused."""
    refused = await until_status(player, 425)
    assert refused.body == b'{"error":"store_unavailable"}'
    # At once from now on, and no reason to take the pod out: commands would go with it.
    assert (await event(player)).status == 425
    command = await player.send(make("command", Scene(text="work=0.2")))
    assert (command.status, command.body) == (200, b"taken")
    await listener_log.until_said("done", key=command.sample.key)
    assert await app.probe("readyz") == 200
    assert advice in str(app.log(DOWN)[0]["error"])
    return refused


async def test_a_full_disk(start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, tmp_path: Path) -> None:
    """On a full disk events are refused with 425, commands still answer, and all goes on once there is space."""
    if not may_mount():
        pytest.skip("NO NAMESPACES: this machine lets nobody mount a small file system, a full disk was not tried")
    disk = tmp_path / "disk"
    disk.mkdir()
    prefix = [*NAMESPACE, "sh", "-c", f'mount -t tmpfs -o size=1m none {disk} && exec "$@"', "sh"]
    app = start_app(prefix=prefix, DATABASE_URL=f"sqlite+aiosqlite:///{disk}/inbox.db")
    await app.until_ready()
    player = play_to(app)
    before = await event(player)
    await listener_log.until_said("done", key=before.sample.key)
    # 1. The disk fills up.
    filler = Path(f"/proc/{app.worker_pid}/root{disk}/filler")
    fill(filler)
    refused = await expect_refusals_then_recovery(app, player, listener_log, "free some space")
    # 2. There is space again.
    empty(filler)
    after = await until_status(player, 200)
    await listener_log.until_said("done", key=after.sample.key)
    # 3. What was refused is taken when Slack sends it again, and runs once; nothing of it had been kept.
    assert listener_log.entries(key=refused.sample.key) == []
    assert (await player.send(refused.sample, retry_num=1)).status == 200
    await listener_log.until_said("done", key=refused.sample.key)
    assert set(listener_log.counts("start").values()) == {1}


async def test_a_file_that_another_program_locks(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, tmp_path: Path
) -> None:
    """While a backup or a shell holds the file, events are refused and commands answer; afterwards all goes on."""
    # While nothing can be written no lease is renewed, and a run whose lease has ended is stopped: it needs a long one.
    app = start_app(LEASE_SECONDS=60)
    await app.until_ready()
    player = play_to(app)
    # 1. A run ends while nothing can be written.
    running = make("app_mention", Scene(text="hold=go"))
    assert (await player.send(running)).status == 200
    await listener_log.until_said("start")
    with locked(tmp_path / "inbox.db"):
        refused = await expect_refusals_then_recovery(app, player, listener_log, "end it")
        listener_log.release("go")
        await listener_log.until_said("done", key=running.key)
    # 2. All is well again, what ended is known to have ended, and what was refused is taken.
    await until_status(player, 200)
    assert (await player.send(refused.sample, retry_num=1)).status == 200
    await listener_log.until_said("done", key=refused.sample.key)
    app.terminate()
    assert await app.until_ended() == 0
    again = start_app()
    await again.until_ready()
    await until_status(play_to(again), 200)
    again.terminate()
    assert await again.until_ended() == 0
    assert set(listener_log.counts("start").values()) == {1}


async def test_an_acknowledged_command_outlives_a_lock(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, tmp_path: Path
) -> None:
    """A drain while the file is locked still ends with 0, and finishes a command that could not be stored."""
    app = start_app()
    await app.until_ready()
    with locked(tmp_path / "inbox.db"):
        await until_status(play_to(app), 425)
        command = await play_to(app).send(make("command", Scene(text="hold=go")))
        assert command.status == 200
        assert app.log("acknowledged without being stored: the database did not take it in time")
        app.terminate()
        await app.until_logged("draining")
        listener_log.release("go")
        assert await app.until_ended() == 0
    assert [entry.what for entry in listener_log.entries(key=command.sample.key)] == ["start", "done"]


async def test_a_file_that_is_locked_at_the_start(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog, tmp_path: Path
) -> None:
    """A locked file delays the start: not ready, alive, the reason in the log; it starts once the file is free."""
    file = tmp_path / "inbox.db"
    with locked(file):
        app = start_app()
        await app.until_logged("not ready: the store cannot be reached")
        assert (await app.probe("livez"), await app.probe("startupz"), await app.probe("readyz")) == (200, 503, 503)
    await app.until_ready()
    await until_status(play_to(app), 200)


async def test_a_start_that_waits_refuses(start_app: StartApp, play_to: PlayTo, tmp_path: Path) -> None:
    """Before the store was reached nobody waits for an answer: 425 while the start waits, as where a store goes away;
    once it is reached, requests are taken, and what was refused is not."""
    with locked(tmp_path / "inbox.db"):
        app = start_app()
        await app.until_logged("not ready: the store cannot be reached")
        player = play_to(app)
        refused = await asyncio.gather(*(event(player) for _ in range(50)))
        assert {(ack.status, ack.body) for ack in refused} == {(425, b'{"error":"store_unavailable"}')}
        assert (await player.send(make("command", Scene()))).status == 425
        assert await app.probe("readyz") == 503
    await app.until_ready()
    assert (await event(player)).status == 200
    assert not app.log("duplicate")


async def test_a_start_that_waits_can_be_ended(start_app: StartApp, tmp_path: Path) -> None:
    """SIGTERM ends a process that waits for its store, with 0."""
    with locked(tmp_path / "inbox.db"):
        app = start_app()
        await app.until_logged("not ready: the store cannot be reached")
        app.terminate()
        assert await app.until_ended() == 0


async def test_a_broken_file(start_app: StartApp, tmp_path: Path) -> None:
    """A file that is no database is said to be broken, and what to do about it; the process is alive and not ready."""
    (tmp_path / "inbox.db").write_bytes(b"this is no database" * 500)
    app = start_app()
    (line,) = await app.until_logged("not ready: the store cannot be reached")
    assert "restore a backup" in line["error"]
    assert await app.probe("livez") == 200


async def test_two_processes_on_one_file(start_app: StartApp, tmp_path: Path) -> None:
    """The second process ends with a message that names the first, which goes on."""
    first = start_app()
    await first.until_ready()
    second = start_app()
    assert await second.until_ended() != 0
    (line,) = second.log("cannot start")
    assert f"process {first.worker_pid} serves from {tmp_path / 'inbox.db'}" in line["error"]
    assert "Traceback" not in second.log_text()
    assert await first.probe("readyz") == 200


async def test_a_directory_that_cannot_be_written(start_app: StartApp, tmp_path: Path) -> None:
    """A path that leads nowhere is named in the log, and the process waits for it."""
    (tmp_path / "file").touch()
    app = start_app(DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path / 'file' / 'inbox.db'}")
    (line,) = await app.until_logged("not ready: the store cannot be reached")
    assert str(tmp_path / "file") in line["error"]
