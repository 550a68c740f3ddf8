"""The app as a child process in a session of its own, so that Ctrl-C reaches only `dev`, which drains the app."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

import httpx

from anchorbolt.cli.dev.log_lines import LogLine, parse
from anchorbolt.cli.dev.report import LOAD, SERVE, Report

_LONGEST_LINE_BYTES = 4 * 1024 * 1024
_POLL_SECONDS = 0.05
_ASK_SECONDS = 1.0


class Child:
    """A process that loads the app when it is told to, reports, and serves when it is told to (serving.py)."""

    def __init__(
        self, process: asyncio.subprocess.Process, reports: asyncio.StreamReader, orders: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reports = reports
        self._orders = orders
        self._asked_to_end = False
        self.is_ready = False

    @classmethod
    async def start(cls, environment: Mapping[str, str], sockets: Sequence[socket.socket]) -> Child:
        """Starts the process, which inherits the sockets; what it prints and logs is read from `lines`."""
        ours, theirs = socket.socketpair()
        descriptors = [theirs.fileno(), *(sock.fileno() for sock in sockets)]
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "anchorbolt.cli.dev.serving",
                *map(str, descriptors),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                limit=_LONGEST_LINE_BYTES,
                pass_fds=descriptors,
            )
        return cls(process, *await asyncio.open_connection(sock=ours, limit=_LONGEST_LINE_BYTES))

    def load(self) -> None:
        """Tells the process to load the app."""
        self._orders.write(LOAD)

    async def report(self) -> Report:
        """Waits until the process has loaded the app, or could not."""
        try:
            return Report.read(await self._reports.readline())
        except ConnectionError:
            return Report(loaded=False)

    def serve(self) -> None:
        """Tells the process to open the inbox and to serve."""
        self._orders.write(SERVE)

    async def lines(self) -> AsyncIterator[LogLine]:
        """Yields every line of the app's output until the app has ended."""
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # a line beyond the limit; what was read of it is gone
                continue
            if not line:
                return
            yield parse(line)

    async def wait(self) -> int:
        """Waits until the app has ended, and returns its exit code."""
        return await self._process.wait()

    async def wait_until_ready(self, readyz: str, client: httpx.AsyncClient) -> None:
        """Returns when `/readyz` answers 200; the caller bounds the time."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(readyz, timeout=_ASK_SECONDS)).status_code == httpx.codes.OK:
                    self.is_ready = True
                    return
            await asyncio.sleep(_POLL_SECONDS)

    def drain(self) -> None:
        """Asks the app to drain, unless it was asked before."""
        if not self._asked_to_end:
            self.end()

    def end(self) -> None:
        """Asks the app to drain. A second call makes it end sooner."""
        self._asked_to_end = True
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the app and its child processes."""
        self._orders.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
