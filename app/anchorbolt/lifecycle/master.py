"""gunicorn, with one worker that lives as life.py tells: it opens the ports, and starts a new worker when one dies."""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from anchorbolt.lifecycle import garbage_collection
from anchorbolt.lifecycle.orders import HELD_SIGNALS, Orders
from anchorbolt.lifecycle.worker import Worker

# A worker whose loop stands still for so long is killed, and a new one takes over.
HANG_SECONDS = 30

Live = Callable[[Sequence[socket.socket]], Awaitable[None]]


class QuietLogger(Logger):  # type: ignore[misc] # it has no annotations
    """gunicorn's lines go where all lines go: the root logger was told where that is."""

    def setup(self, cfg: Any) -> None:
        """gunicorn's own hook."""
        self.error_log.propagate = True


class MasterArbiter(Arbiter):  # type: ignore[misc]
    """An interrupt drains as SIGTERM does; the second one hastens the worker instead of killing it."""

    handle_int = Arbiter.handle_term
    asked_to_end = False

    def init_signals(self) -> None:
        """gunicorn's own hook."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)

    def spawn_worker(self) -> None:
        """gunicorn's own hook. Before a worker has handlers of its own, it would put its signals into our queue."""
        if self.asked_to_end:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
        try:
            super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)

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

    def __init__(self, orders: Orders, load: Callable[[], Live]) -> None:
        """`load`: called in the worker."""
        self._orders = orders
        self._load = load
        super().__init__()

    def load_config(self) -> None:
        """gunicorn's own hook."""
        options = {
            "bind": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self._orders.addresses],
            "worker_class": Worker,
            "workers": 1,
            "timeout": HANG_SECONDS,
            "graceful_timeout": math.ceil(self._orders.end_seconds),
            "logger_class": QuietLogger,
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
        garbage_collection.calm()  # before the fork: what is never looked at again stays one copy for both
        MasterArbiter(self).run()
