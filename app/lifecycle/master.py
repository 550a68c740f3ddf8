"""gunicorn, with one worker that lives as life.py tells: it opens the ports, and starts a new worker when one dies."""

from __future__ import annotations

import asyncio
import math
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from uvicorn_worker import UvicornWorker

from app.errors import AnchorboltError
from app.telemetry.logs import get_logger

log = get_logger("lifecycle")

HEARTBEAT_SECONDS = 1.0
# A worker whose loop stands still for so long is killed, and a new one takes over.
HANG_SECONDS = 30

Live = Callable[[Sequence[socket.socket]], Awaitable[None]]


class Worker(UvicornWorker):  # type: ignore[misc] # it has no annotations
    """The worker of uvicorn-worker, with the loop that it chooses, and the life that ours is."""

    CONFIG_KWARGS: dict[str, Any] = {**UvicornWorker.CONFIG_KWARGS, "lifespan": "off"}  # noqa: RUF012 - its own form

    def load_wsgi(self) -> None:
        """gunicorn's own hook: imports the app, which on a node with little CPU takes longer than HANG_SECONDS."""
        loaded = threading.Event()

        def beat() -> None:
            while not loaded.wait(HEARTBEAT_SECONDS):
                self.notify()

        threading.Thread(target=beat, name="beat while loading", daemon=True).start()
        try:
            super().load_wsgi()
        finally:
            loaded.set()

    async def _serve(self) -> None:
        beating = asyncio.get_running_loop().create_task(self._beat())
        try:
            await self.wsgi([listener.sock for listener in self.sockets])
        except AnchorboltError as error:
            log.error("cannot start", error=str(error))
            # The master would start one worker after the other; this ends it, and Kubernetes shows the message.
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            self.notify()
            await asyncio.sleep(HEARTBEAT_SECONDS)


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines go where all lines go: telemetry/logs.py has told the root logger where that is."""

    def setup(self, cfg: Any) -> None:
        """gunicorn's own hook."""
        self.error_log.propagate = True


class MasterArbiter(Arbiter):  # type: ignore[misc]
    """An interrupt drains as SIGTERM does; the second one hastens the worker instead of killing it."""

    handle_int = Arbiter.handle_term
    asked_to_end = False

    def signal(self, sig: int, frame: Any) -> None:
        """gunicorn's own hook: called in the signal handler."""
        if sig in (signal.SIGTERM, signal.SIGINT):
            if self.asked_to_end:
                self.kill_workers(signal.SIGTERM)
                return
            self.asked_to_end = True
        super().signal(sig, frame)


class Master(BaseApplication):  # type: ignore[misc]
    """The gunicorn application: its options, and what a worker runs."""

    def __init__(self, load: Callable[[], Live], addresses: Sequence[tuple[str, int]], end_seconds: float) -> None:
        """`load`: called in the worker. `addresses`: where its sockets listen. `end_seconds`: what its end may take."""
        self._load = load
        self._addresses = addresses
        self._end_seconds = end_seconds
        super().__init__()

    def load_config(self) -> None:
        """gunicorn's own hook."""
        options = {
            "bind": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self._addresses],
            "worker_class": f"{__name__}.Worker",
            "workers": 1,
            "timeout": HANG_SECONDS,
            "graceful_timeout": math.ceil(self._end_seconds),
            "logger_class": f"{__name__}.QuietLogger",
            "proc_name": "anchorbolt",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Live:
        """gunicorn's own hook: what it calls the application."""
        return self._load()

    def run(self) -> None:
        """Until a signal ends it, with the worker's exit code."""
        MasterArbiter(self).run()
