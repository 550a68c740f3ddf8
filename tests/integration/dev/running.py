"""`anchorbolt dev` as a process, in a group of its own, read line by line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.app_process import ROOT, free_ports
from tests.support.waiting import WITHIN_SECONDS


class Dev:
    """The process, and every line that it has printed."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, internal_port: int) -> None:
        self.process = process
        self.port = port
        self.internal_port = internal_port
        self.lines: list[str] = []

    @property
    def url(self) -> str:
        """Where the app takes requests."""
        return f"http://127.0.0.1:{self.port}/slack/events"

    @property
    def text(self) -> str:
        """All that was printed."""
        return "\n".join(self.lines)

    async def line(self, fits: Callable[[str], bool]) -> str:
        """Reads on until a line fits, and returns it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN_SECONDS):
            while raw := await self.process.stdout.readline():
                self.lines.append(raw.decode().rstrip("\n"))
                if fits(self.lines[-1]):
                    return self.lines[-1]
        raise AssertionError(f"dev ended without that line:\n{self.text}")

    async def serving(self) -> None:
        """Reads on until the app serves."""
        await self.line(lambda line: line.startswith("Serving at"))

    def interrupt_group(self) -> None:
        """What a terminal does at Ctrl-C: SIGINT to every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def end(self) -> int:
        """Reads the rest; returns the exit code."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN_SECONDS):
            self.lines += (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait()


@asynccontextmanager
async def dev(directory: Path, *arguments: str, **variables: str) -> AsyncIterator[Dev]:
    """Starts `dev` with its database in a directory; whatever happens, nothing of it is left."""
    port, internal_port = free_ports()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "INTERNAL_PORT": str(internal_port),
        "DATABASE_URL": f"sqlite+aiosqlite:///{directory}/inbox.db",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "anchorbolt",
        "dev",
        "--emulator-port=0",
        *arguments,
        cwd=directory,  # no .env of a developer's is read there
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    running = Dev(process, int(environment["PORT"]), int(environment["INTERNAL_PORT"]))
    try:
        yield running
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(WITHIN_SECONDS):
                    await process.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
