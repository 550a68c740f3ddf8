"""The Unix socket over which `preStop` asks for the drain: nobody can reach it over the network."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from anchorbolt.lifecycle.pod import Pod
from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")

REQUEST = b"drain\n"
READ_SECONDS = 5.0


class DrainSocket:
    """Listens for `drain`, and answers with the pod's state once the drain's delay is over (anchorbolt/drain.py)."""

    def __init__(self, path: Path, pod: Pod) -> None:
        self._path = path
        self._pod = pod
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts to listen. Where that cannot be done the pod serves all the same, and logs it."""
        listening = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)  # of a process that was killed
            before = os.umask(0o177)  # only our own user may connect
            try:
                listening.bind(str(self._path))
            finally:
                os.umask(before)
            self._server = await asyncio.start_unix_server(self._answer, sock=listening)
        except OSError as error:
            listening.close()
            log.error("no drain socket: preStop cannot ask for a drain", path=str(self._path), error=str(error))

    async def stop(self) -> None:
        """Stops listening; who still waits is answered by the end of the process."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        for task in self._asked:
            task.cancel()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)
        try:
            async with asyncio.timeout(READ_SECONDS):
                asked = await reader.readline()
            if asked == REQUEST:
                await self._pod.drain()
                writer.write(f"{self._pod.state}\n".encode())
                await writer.drain()
        except (TimeoutError, OSError, ValueError, asyncio.CancelledError):
            return  # it has gone, or says what nobody asked for; or the process ends
        finally:
            writer.close()
