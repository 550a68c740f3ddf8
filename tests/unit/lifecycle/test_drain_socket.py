"""The Unix socket of the drain: what it takes, and that only its owner may ask."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from anchorbolt.drain import socket_path
from anchorbolt.lifecycle.drain_socket import DrainSocket
from anchorbolt.lifecycle.pod import Pod, State
from anchorbolt.settings.model import Settings
from structlog.testing import capture_logs


def ready_pod(delay_seconds: float = 0.0) -> Pod:
    """A pod that is ready."""
    pod = Pod(delay_seconds, on_drain=lambda: None, on_lapse=lambda: None)
    pod.become(State.READY)
    return pod


async def ask(path: Path, what: bytes) -> bytes:
    """What the socket answers."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(what)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


async def test_it_drains(tmp_path: Path) -> None:
    """`drain` begins the drain, and is answered once its delay is over; nothing else does."""
    path, pod = tmp_path / "drain.sock", ready_pod(0.5)
    drains = DrainSocket(path, pod)
    await drains.start()
    for other in (b"", b"\n", b"GET /drain HTTP/1.1\r\n\r\n", b"x" * 100_000):
        try:
            assert await ask(path, other) == b""
        except ConnectionError:
            continue
    assert pod.state is State.READY
    assert await ask(path, b"drain\n") == b"draining\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await drains.stop()
    assert not path.exists()


async def test_a_second_call_joins_the_first(tmp_path: Path) -> None:
    """A call during a drain does not begin it anew, so that nobody keeps a pod away for ever."""
    lapsed = asyncio.Event()
    pod = Pod(0.1, on_drain=lambda: None, on_lapse=lapsed.set)
    pod.become(State.READY)
    asking = asyncio.create_task(pod.drain())
    while not lapsed.is_set():
        await pod.drain()
        await asyncio.sleep(0.01)
        assert pod.drain_seconds < 30
    await asking
    assert pod.state is State.READY


async def test_without_its_folder_the_pod_serves(tmp_path: Path) -> None:
    """Where the socket cannot be made, that is logged as an error, and nothing is raised."""
    drains = DrainSocket(tmp_path / "missing" / "drain.sock", ready_pod())
    with capture_logs() as lines:
        await drains.start()
    assert [line["log_level"] for line in lines] == ["error"]
    await drains.stop()


async def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    """A socket that nobody listens on any more does not keep the next process from having its own."""
    path = tmp_path / "drain.sock"
    for _ in range(2):
        await DrainSocket(path, ready_pod()).start()
    assert await ask(path, b"drain\n") == b"draining\n"


def test_the_hook_finds_the_socket() -> None:
    """The hook, which reads no settings, computes the path that the app listens on."""
    for own in ({}, {"internal_port": 4001}, {"drain_socket": Path("/run/x.sock")}):
        settings = Settings(_env_file=None, **own)
        environment = {name.upper(): str(value) for name, value in own.items()}
        assert socket_path(environment) == str(settings.drain_socket_path)
