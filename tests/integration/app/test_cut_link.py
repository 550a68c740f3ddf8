"""A pod is cut off from the Web API, and its link is mended later: what a lost run had sent by then never arrives.

It needs a network namespace and a virtual link, so it needs root, and the command `ip`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.waiting import until

# The names of the namespace and of the link's two ends are this process's own, and so is the network: a run that was
# killed leaves its own behind.
NAME = f"ab{os.getpid() % 100_000}"
OURS, THEIRS = f"{NAME}o", f"{NAME}t"
# Both ends must be cut, and this cuts both: with only ours down, packets from the pod still arrive.
THEIR_LINK = ("-n", NAME, "link", "set", THEIRS)
NETWORK = f"10.213.{os.getpid() // 64 % 256}.{{}}".format
SERVER, CLIENT = (NETWORK(os.getpid() % 64 * 4 + end) for end in (1, 2))
ROUNDS = 10

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and the command ip, to make a network namespace"
)


def ip(*words: str) -> None:
    """Runs `ip`."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def link() -> Iterator[None]:
    """A namespace for the pod, and a link from it to us."""
    try:
        ip("netns", "add", NAME)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made here: {error.stderr.decode().strip()}")
    try:
        ip("link", "add", OURS, "type", "veth", "peer", "name", THEIRS)
        ip("link", "set", THEIRS, "netns", NAME)
        ip("addr", "add", f"{SERVER}/30", "dev", OURS)
        ip("link", "set", OURS, "up")
        ip("-n", NAME, "addr", "add", f"{CLIENT}/30", "dev", THEIRS)
        ip("-n", NAME, "link", "set", THEIRS, "up")
        ip("-n", NAME, "link", "set", "lo", "up")
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NAME], check=False, capture_output=True, timeout=20)
        subprocess.run(["ip", "link", "del", OURS], check=False, capture_output=True, timeout=20)


class Slack:
    """A Web API that answers what it is asked, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.asked.append(await reader.readexactly(length))
                body = b'{"ok": true}'
                kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(kind % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()


class Pod:
    """A process in the namespace (tests/support/cut_pod.py)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def does(self, order: str, text: str) -> int:
        """Returns how many bytes its kernel still has to send after that."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{order} {text}\n".encode())
        return int(await asyncio.wait_for(self._process.stdout.readline(), 60))


@asynccontextmanager
async def a_pod(tls: ssl.SSLContext | None, trusted: Path | str) -> AsyncIterator[tuple[Pod, Slack]]:
    """A pod in the namespace, and the Web API on our end of the link."""
    slack = Slack()
    server = await asyncio.start_server(slack.serve, SERVER, 0, ssl=tls)
    url = f"{'https' if tls else 'http'}://{SERVER}:{server.sockets[0].getsockname()[1]}/api/"
    command = ["ip", "netns", "exec", NAME, sys.executable, "-m", "tests.support.cut_pod", url, str(trusted)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield Pod(process), slack
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        server.close()


@pytest.mark.usefixtures("link")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nothing_arrives_after_the_mend(scheme: str, tmp_path: Path) -> None:
    """Ten times in a row: the run loses its lease while the link is cut, and its call never reaches the Web API."""
    tls, trusted = certificate(tmp_path) if scheme == "https" else (None, "")
    async with a_pod(tls, trusted) as (pod, slack):
        await pod.does("probe", "before")
        for n in range(ROUNDS):
            await asyncio.to_thread(ip, *THEIR_LINK, "down")
            # Nothing is left that the kernel could send once the link is whole.
            assert await pod.does("reset", f"late-{n}") == 0
            await asyncio.to_thread(ip, *THEIR_LINK, "up")
            await pod.does("probe", f"mended-{n}")
        said = b"".join(slack.asked)
        assert said.count(b"mended-") == ROUNDS
        assert b"late-" not in said


@pytest.mark.usefixtures("link")
async def test_a_call_that_is_only_cancelled_arrives() -> None:
    """Why the connection is reset: what was only cancelled is still in the kernel, and arrives after the mend."""
    async with a_pod(None, "") as (pod, slack):
        await pod.does("probe", "before")
        await asyncio.to_thread(ip, *THEIR_LINK, "down")
        assert await pod.does("cancel", "late") > 0
        assert not any(b"late" in one for one in slack.asked)
        await asyncio.to_thread(ip, *THEIR_LINK, "up")
        await until(lambda: any(b"late" in one for one in slack.asked), what="the kernel sends it again")


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS for the server, and what the pod trusts."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={SERVER}"]
    more = ["-addext", f"subjectAltName=IP:{SERVER}", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*command, *more], check=True, capture_output=True, timeout=60)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made, key)
    return tls, made
