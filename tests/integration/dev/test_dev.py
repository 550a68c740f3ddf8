"""`dev` shows a request of every kind go through the real app, and ends it as a pod is ended."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.emulator.socket_mode.envelope import is_sent_over_sockets

from tests.integration.dev.running import Dev, dev
from tests.support.app_process import ROOT, free_ports
from tests.support.listener_log import ListenerLog

HOLDING = Scene(text="hold=open")


async def refuses_connections(port: int) -> bool:
    """Whether nobody listens on a port any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_every_kind_is_answered_and_ctrl_c_ends_with_0(tmp_path: Path) -> None:
    """Each kind has a line with status, time, listener and calls; an interrupt of the whole group ends with 0."""
    async with dev(tmp_path) as running:
        # 1. One request of every kind is played; each is answered with 200, and what has a listener reached it.
        await running.serving()
        played = [line for line in running.lines if re.match(r"^ ?\d+/\d+ ", line)]
        assert [line.split()[1] for line in played] == list(SAMPLES)
        assert all(re.search(r" 200 +[0-9.]+ ms ", line) for line in played), running.text
        outcomes = {line.split()[1]: line.split()[5] for line in played}
        assert {kind for kind, outcome in outcomes.items() if outcome == "unmatched"} == {"team_join"}
        assert {outcome for kind, outcome in outcomes.items()} == {"answered", "done", "unmatched"}, running.text
        assert re.search(r" commands\.\S+ +views\.open$", played[list(SAMPLES).index("command")])
        # 2. The command for one more request is printed.
        hint = await running.line(lambda line: " anchorbolt send " in line)
        assert hint.endswith(running.url)
        # 3. Ctrl-C: drained, 0, no traceback, and nobody listens any more.
        running.interrupt_group()
        assert await running.end() == 0, running.text
        assert "Drained in" in running.lines[-1]
        assert "Traceback" not in running.text
        assert await refuses_connections(running.port)
        assert await refuses_connections(running.internal_port)


async def test_in_socket_mode_the_table_is_the_same(tmp_path: Path) -> None:
    """With RECEIVER=socket each kind that Slack sends over sockets comes to the same end, by the same listener with the
    same calls, as over HTTP; an interrupt ends it with 0."""
    tables = []
    for receiver, last in (("http", "Serving at"), ("socket", "Connected to Slack")):
        place = tmp_path / receiver
        place.mkdir()
        async with dev(place, RECEIVER=receiver) as running:
            await running.line(lambda line, last=last: line.startswith(last))  # type: ignore[misc]
            tables.append([line.split() for line in running.lines if re.match(r"^ ?\d+/\d+ ", line)])
            running.interrupt_group()
            assert await running.end() == 0, running.text
            assert "Drained in" in running.lines[-1]
    posted, sent = ({row[1]: row[5:] for row in rows} for rows in tables)
    assert sent == {kind: row for kind, row in posted.items() if is_sent_over_sockets(kind)}
    assert {row[2] for row in tables[1]} == {"ack"}


async def test_without_a_demonstration_it_only_serves(tmp_path: Path) -> None:
    """With --no-demo nothing is played; a request that comes later is one line with its listener and its calls."""
    async with dev(tmp_path, "--no-demo") as running:
        await running.serving()
        assert not re.search(r"\d+/\d+", running.text)
        async with client() as http:
            ack = await Player(http, running.url, EMULATOR_SECRET).send(make("app_mention"))
        assert ack.status == 200
        line = await running.line(lambda line: "event: done" in line)
        assert "events.app_mention." in line
        assert 'chat.postMessage "' in line


async def test_the_printed_command_and_its_curl_are_taken(tmp_path: Path) -> None:
    """The command that dev prints, run as printed, runs a listener; its curl is a 200, and runs nothing again."""
    async with dev(tmp_path, "--no-demo") as running:
        hint = await running.line(lambda line: " anchorbolt send " in line)
        # 1. Pasted into a shell it is taken, and runs.
        told = await pasted(hint.partition("terminal: ")[2] + " --curl")
        assert told.startswith("app_mention: 200 ")
        await running.line(lambda line: "event: done" in line)
        # 2. The curl that it gives is taken, and does not run again.
        assert (await pasted(told.splitlines()[-1])).startswith("HTTP/1.1 200")
        os.kill(running.process.pid, signal.SIGINT)
        assert await running.end() == 0
        assert running.text.count("event: ") == 1


async def pasted(command: str) -> str:
    """What a shell prints for a command."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


async def test_what_still_runs_is_finished_before_the_end(tmp_path: Path) -> None:
    """Ctrl-C while a listener runs waits for it: its end is shown before the app's."""
    listeners = ListenerLog(tmp_path)
    async with dev(tmp_path, "--no-demo", **listeners.environment) as running:
        # 1. A listener runs, and does not end by itself.
        await running.serving()
        async with client() as http:
            assert (await Player(http, running.url, EMULATOR_SECRET).send(make("message", HOLDING))).ok
        await listeners.until_said("start")
        # 2. Ctrl-C: dev says that it drains.
        running.interrupt_group()
        await running.line(lambda line: line.startswith("Draining"))
        # 3. The listener may end: its delivery is done, then the app ends with 0.
        listeners.release("open")
        await running.line(lambda line: "event: done, on_event" in line)
        assert await running.end() == 0
        assert "Drained in" in running.lines[-1]


async def test_a_second_interrupt_hastens_the_end(tmp_path: Path) -> None:
    """A listener that never ends does not hold up a second Ctrl-C: what runs is handed back, and dev ends with 0."""
    listeners = ListenerLog(tmp_path)
    long = {"DRAIN_TIMEOUT_SECONDS": "1000", **listeners.environment}
    async with dev(tmp_path, "--no-demo", "--verbose", **long) as running:
        await running.serving()
        async with client() as http:
            assert (await Player(http, running.url, EMULATOR_SECRET).send(make("message", HOLDING))).ok
        await listeners.until_said("start")
        running.interrupt_group()
        await running.line(lambda line: line == "[info] draining")
        running.interrupt_group()
        await running.line(lambda line: line.startswith("Ending it sooner"))
        assert await running.end() == 0, running.text
        assert listeners.counts("cancelled").total() == 1
        assert "Traceback" not in running.text


@pytest.mark.parametrize("setting", ["PORT", "INTERNAL_PORT"])
async def test_a_taken_port_is_a_clear_message(setting: str, tmp_path: Path) -> None:
    """A port that somebody listens on ends dev with 1, at once, with one line that names the port and its setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with dev(tmp_path, **{setting: port}) as running:
            assert await running.end() == 1
        assert len(running.lines) == 1
        assert f"port {port} is taken" in running.text
        assert running.text.endswith(f"with {setting}")


async def test_a_taken_port_of_the_emulator_is_a_clear_message(tmp_path: Path) -> None:
    """The emulator's port is named with its option."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with dev(tmp_path, f"--emulator-port={port}") as running:
            assert await running.end() == 1
        assert f"port {port} is taken" in running.text
        assert "--emulator-port" in running.text


async def test_an_app_that_dies_at_its_start_is_explained(tmp_path: Path) -> None:
    """Where the app cannot start, its own message is shown and dev ends with 1."""
    async with dev(tmp_path, LISTENERS="there.is.no.such.module") as running:
        assert await running.end() == 1
    assert "there.is.no.such.module" in running.text
    assert "before it was ready" in running.lines[-1]


async def test_an_app_that_dies_later_is_not_taken_for_drained(tmp_path: Path) -> None:
    """When the app is killed, dev says that it ended by itself, and ends with 1."""
    async with dev(tmp_path, "--no-demo") as running:
        await running.serving()
        child, *_ = children(running)  # others are spare
        os.killpg(child, signal.SIGKILL)
        assert await running.end() == 1
        assert "ended by itself" in running.lines[-1]


async def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    """`make run | head`: when nobody reads any more, the app is drained and not left behind."""
    async with dev(tmp_path, "--no-demo") as running:
        await running.serving()
        # 1. The reader closes its end of the pipe.
        running.leave()
        # 2. The next line that dev wants to print finds nobody.
        async with client() as http:
            await Player(http, running.url, EMULATOR_SECRET).send(make("app_mention"))
        # 3. Everything ends.
        await running.ended()
        assert await refuses_connections(running.port)


async def test_a_real_token_is_played_nothing(tmp_path: Path) -> None:
    """With a token there is no emulator, nothing is played, and no command invites to write to the real Slack."""
    unused = "http://127.0.0.1:9/api/"
    async with dev(tmp_path, SLACK_BOT_TOKEN="xoxb-real", SLACK_SIGNING_SECRET="s", SLACK_API_URL=unused) as running:
        await running.serving()
        assert "the real one" in running.lines[0]
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.end() == 0
        assert "anchorbolt send" not in running.text
        assert not re.search(r"\d+/\d+", running.text)
        assert "xoxb-real" not in running.text


async def test_a_terminal_s_ctrl_c_ends_it_with_0(tmp_path: Path) -> None:
    """On a terminal, with its bar and colours, the key Ctrl-C drains the app and ends with 0."""
    # 1. dev runs on a terminal of its own.
    port, internal_port = free_ports()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "INTERNAL_PORT": str(internal_port),
    }
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, "-m", "anchorbolt", "dev", "--emulator-port=0"], environment)
    text = await asyncio.to_thread(until, terminal, b"Serving at")
    # 2. The table was drawn, and the key is pressed.
    assert b"19/19" in text
    os.write(terminal, b"\x03")
    # 3. It drains and ends with 0.
    rest = await asyncio.to_thread(until, terminal, b"the app ended with 0")
    assert b"Traceback" not in rest
    _, status = await asyncio.to_thread(os.waitpid, pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0


def until(terminal: int, wanted: bytes) -> bytes:
    """Reads a terminal until something was written to it; a terminal that closes first fails the test."""
    text = b""
    while wanted not in text:
        chunk = b""
        with suppress(OSError):
            chunk = os.read(terminal, 65536)
        assert chunk, text.decode()
        text += chunk
    return text


def children(running: Dev) -> list[int]:
    """The processes that dev started itself."""
    listed = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


async def test_the_probes_are_on_their_own_port(tmp_path: Path) -> None:
    """What dev waited for is on the internal port and not on the one that Slack reaches."""
    async with dev(tmp_path, "--no-demo") as running:
        await running.serving()
        async with httpx.AsyncClient(verify=False) as http:
            assert (await http.get(f"http://127.0.0.1:{running.internal_port}/readyz")).status_code == 200
            assert (await http.get(f"http://127.0.0.1:{running.port}/readyz")).status_code == 404
