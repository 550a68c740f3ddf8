"""`anchorbolt dev` as a process, in a group of its own, read line by line."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.app_process import AppProcess, free_ports
from tests.support.forked import Forked
from tests.support.new_process import Order
from tests.support.waiting import WITHIN_SECONDS, until


class Dev:
    """The process, which is forked, and every line that it has printed."""

    def __init__(
        self, process: Forked, output: asyncio.StreamReader, leave: Callable[[], None], port: int, internal_port: int
    ) -> None:
        """`output`: what it prints. `leave`: closes that, as a reader does who goes away."""
        self.process = process
        self.leave = leave
        self._output = output
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
        async with asyncio.timeout(WITHIN_SECONDS):
            while raw := await self._output.readline():
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
        async with asyncio.timeout(WITHIN_SECONDS):
            self.lines += (await self._output.read()).decode().splitlines()
        return await self.ended()

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        await until(lambda: self.process.poll() is not None, what="dev has ended")
        code = self.process.poll()
        assert code is not None
        return code


@asynccontextmanager
async def dev(directory: Path, *arguments: str, **variables: str) -> AsyncIterator[Dev]:
    """Starts `dev` with its database in a directory; whatever happens, nothing of it is left."""
    port, internal_port = free_ports()
    environment = {
        **AppProcess.bare_environment(),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "INTERNAL_PORT": str(internal_port),
        "DATABASE_URL": f"sqlite+aiosqlite:///{directory}/inbox.db",
        **variables,
    }
    ours, theirs = os.pipe()
    pipe = Path(f"/proc/{os.getpid()}/fd/{theirs}")
    output = asyncio.StreamReader()
    reading = asyncio.StreamReaderProtocol(output)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: reading, os.fdopen(ours, "rb"))
    # The folder has no .env of a developer's.
    process = Forked(Order(["dev", "--emulator-port=0", *arguments], directory, environment, pipe, pipe))
    os.close(theirs)
    running = Dev(process, output, transport.close, int(environment["PORT"]), int(environment["INTERNAL_PORT"]))
    try:
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await running.ended()
        finally:
            process.kill()
            transport.close()
