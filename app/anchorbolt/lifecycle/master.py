"""The gunicorn master: it opens the ports, starts one worker (life.py), and starts a new one when that dies."""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from anchorbolt.errors import FAILED, MISTAKEN
from anchorbolt.lifecycle import garbage_collection, held_signals
from anchorbolt.lifecycle.times import end_seconds
from anchorbolt.lifecycle.worker import Worker
from anchorbolt.settings.of_master import MasterSettings

# A worker whose event loop is blocked for so long is killed and replaced.
HANG_SECONDS = 30

# gunicorn has two exit codes that end the master together with its worker (worker.py).
EXIT_CODES = {Arbiter.WORKER_BOOT_ERROR: FAILED, Arbiter.APP_LOAD_ERROR: MISTAKEN}

Live = Callable[[Sequence[socket.socket]], Awaitable[None]]


class QuietLogger(Logger):  # type: ignore[misc] # it has no annotations
    """Sends gunicorn's log lines to the root logger, so that they look like all others."""

    def setup(self, cfg: Any) -> None:
        """Lets the root logger write gunicorn's lines; called by gunicorn when it makes its logger."""
        self.error_log.propagate = True


class MasterArbiter(Arbiter):  # type: ignore[misc]
    """An arbiter for which SIGINT drains as SIGTERM does; a second signal makes the worker stop sooner."""

    handle_int = Arbiter.handle_term
    asked_to_end = False

    def init_signals(self) -> None:
        """Sets the master's handlers of signals, and lets through those that were held back until now."""
        super().init_signals()
        held_signals.let_through()

    def spawn_worker(self) -> None:
        """gunicorn's own hook. Signals are blocked, because a new worker would queue its own as the master's."""
        if self.asked_to_end:
            return
        held_signals.hold_back()
        try:
            super().spawn_worker()
        finally:
            held_signals.let_through()

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """gunicorn's own hook: ends the master, with an exit code as every command has."""
        super().halt(reason, EXIT_CODES.get(exit_status, exit_status))

    def signal(self, sig: int, frame: Any) -> None:
        """gunicorn's own hook: called in the signal handler."""
        if sig in (signal.SIGTERM, signal.SIGINT):
            if self.asked_to_end:
                self.kill_workers(signal.SIGTERM)
                return
            self.asked_to_end = True
        super().signal(sig, frame)


class Master(BaseApplication):  # type: ignore[misc]
    """The gunicorn application: its options, and what its worker runs."""

    def __init__(self, settings: MasterSettings, ports: Sequence[int], load: Callable[[], Live]) -> None:
        """`ports`: to listen on. `load`: called in the worker process; returns what the worker runs."""
        self._settings = settings
        self._ports = ports
        self._load = load
        super().__init__()

    def load_config(self) -> None:
        """Sets gunicorn's options; called by gunicorn at its start."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        options = {
            "bind": [f"{host}:{port}" for port in self._ports],
            "worker_class": Worker,
            "workers": 1,
            "timeout": HANG_SECONDS,
            "graceful_timeout": math.ceil(end_seconds(self._settings)),
            "logger_class": QuietLogger,
            "proc_name": "anchorbolt",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Live:
        """gunicorn's own hook: returns what gunicorn calls the application."""
        return self._load()

    def run(self) -> None:
        """Runs until a signal ends it. Exits as every command does: 0, 1 if it failed, 2 for wrong settings."""
        garbage_collection.keep()  # before the fork, so that master and worker share these objects' memory
        MasterArbiter(self).run()
