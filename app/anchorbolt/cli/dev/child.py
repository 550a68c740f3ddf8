"""The app as a child process in a session of its own, so that Ctrl-C reaches only `dev`, which drains the app."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping

import httpx

from anchorbolt.cli.dev.log_lines import LogLine, parse

_LONGEST_LINE_BYTES = 4 * 1024 * 1024
_POLL_SECONDS = 0.05
_ASK_SECONDS = 1.0


class Child:
    """A process that runs `anchorbolt serve`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, environment: Mapping[str, str]) -> Child:
        """Starts the app; what it prints and logs is read from `lines`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "anchorbolt",
            "serve",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=_LONGEST_LINE_BYTES,
        )
        return cls(process)

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
                    return
            await asyncio.sleep(_POLL_SECONDS)

    def end(self) -> None:
        """Asks the app to drain. A second call makes it end sooner."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the app and its child processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
