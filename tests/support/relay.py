"""A TCP relay before a database, to cut one process off from it: by a refusal, a reset, silence, or at a commit: a
COMMIT, or a statement that is a transaction of its own.

A process of its own (`Relay` is the handle on it): what a test does meanwhile must not slow the way to the database.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from enum import StrEnum
from pathlib import Path
from typing import Self

import uvloop

# As asyncpg sends them, in a simple query.
BEGIN, COMMIT, ROLLBACK = b"BEGIN", b"COMMIT;", b"ROLLBACK;"
# A statement with rows: outside of a transaction it is one.
BIND, ROWS = b"B", b'[{"n":'
CHUNK_BYTES = 65_536
ROOT = Path(__file__).resolve().parents[2]


class AtCommit(StrEnum):
    """Where a connection breaks that commits."""

    BEFORE = "before the database sees it"
    AFTER = "after the database did it, before the client knows"


class Relay:
    """Listens on a free port of 127.0.0.1 and passes everything on to a port, until it is told not to."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        """Starts it."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.relay", str(self._target)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        self.port = await self._answer()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends it, and all connections with it."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def refuse(self) -> None:
        """Nobody listens any more, and what was connected is reset."""
        await self._tell("refuse")

    async def silence(self) -> None:
        """Half-open: packets vanish, and nobody is told."""
        await self._tell("silence")

    async def mend(self) -> None:
        """All goes on; connections that were silent are as dead as they would be after a network came back late."""
        await self._tell("mend")

    async def break_commits(self, where: AtCommit, times: int = 1) -> None:
        """The next `times` commits break their connections."""
        await self._tell("break_commits", where.value, times)

    async def breaks_left(self) -> int:
        """How many commits are still to be broken."""
        return await self._tell("breaks_left")

    async def _tell(self, *command: object) -> int:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self._answer()

    async def _answer(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())


class Forwarder:
    """What runs in that process."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._break_at: AtCommit | None = None
        self._breaks_left = 0
        self.port = 0

    async def obey(self) -> None:
        """Does what each line of standard input says, and answers it with a number; until the input ends."""
        await self.mend()
        print(self.port, flush=True)  # noqa: T201 - its answer
        while line := await asyncio.to_thread(sys.stdin.readline):
            match json.loads(line):
                case ["refuse"]:
                    await self.refuse()
                case ["silence"]:
                    self._flowing.clear()
                case ["mend"]:
                    await self.mend()
                case ["break_commits", where, times]:
                    self._break_at, self._breaks_left = AtCommit(where), times
            print(self._breaks_left, flush=True)  # noqa: T201 - its answer

    async def refuse(self) -> None:
        """Nobody listens any more, and what was connected is reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()
        self._flowing.set()

    def reset(self) -> None:
        """Breaks what is connected; who connects again may."""
        for connection in list(self._connections):
            connection.reset()

    async def mend(self) -> None:
        """Listens, passes on; resets what was silent."""
        if not self._flowing.is_set():
            self.reset()
            self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def breaks(self) -> AtCommit | None:
        """Whether a connection that commits now is to break, and where."""
        if self._breaks_left == 0:
            return None
        self._breaks_left -= 1
        return self._break_at

    async def until_flowing(self) -> None:
        """Waits while it is silent."""
        await self._flowing.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run(self._target)
        finally:
            self._connections.discard(connection)


class _Connection:
    """One client's connection and ours to the database."""

    def __init__(self, relay: Forwarder, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relay = relay
        self._reader = reader
        self._writers = [writer]
        self._swallow_answer = asyncio.Event()
        self._in_transaction = False

    async def run(self, port: int) -> None:
        """Until one side ends."""
        try:
            await self._relay.until_flowing()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            self._writers.append(writer)
            passing = [
                asyncio.ensure_future(self._upward(self._reader, writer)),
                asyncio.ensure_future(self._downward(reader, self._writers[0])),
            ]
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
        except OSError:
            self.reset()  # the database does not listen
        finally:
            for writer in self._writers:
                writer.close()

    def reset(self) -> None:
        """An RST to both sides."""
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.fileno() != -1:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _upward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while sent := await reader.read(CHUNK_BYTES):
            await self._relay.until_flowing()
            where = self._relay.breaks() if self._commits(sent) else None
            if where is AtCommit.BEFORE:
                self.reset()
                return
            if where is AtCommit.AFTER:
                self._swallow_answer.set()
            writer.write(sent)
            await writer.drain()

    def _commits(self, sent: bytes) -> bool:
        if BEGIN in sent or COMMIT in sent or ROLLBACK in sent:
            self._in_transaction = BEGIN in sent
        return COMMIT in sent or (not self._in_transaction and sent.startswith(BIND) and ROWS in sent)

    async def _downward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(CHUNK_BYTES):
            await self._relay.until_flowing()
            if self._swallow_answer.is_set():
                self.reset()
                return
            writer.write(received)
            await writer.drain()


if __name__ == "__main__":
    uvloop.run(Forwarder(int(sys.argv[1])).obey())
