"""gunicorn's worker, with the life that ours is. The master needs its class too, so the file imports no event loop."""

from __future__ import annotations

import signal
import sys
import threading

from gunicorn.arbiter import Arbiter
from gunicorn.workers import base

from anchorbolt.errors import AnchorboltError
from anchorbolt.lifecycle.orders import HELD_SIGNALS

HEARTBEAT_SECONDS = 1.0


class Worker(base.Worker):  # type: ignore[misc] # it has no annotations
    """What it needs beyond gunicorn, it imports in its own process (docs/decisions/0060)."""

    def init_signals(self) -> None:
        """gunicorn's own hook: in the place of its handlers come those of the loop (signals.py)."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # The master passes it on to ask for new log files; by itself it kills.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)

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

    def run(self) -> None:
        """gunicorn's own hook."""
        from anchorbolt.lifecycle import loop  # noqa: PLC0415 - in the worker

        try:
            loop.run(lambda: self.wsgi([listener.sock for listener in self.sockets]), self.notify, HEARTBEAT_SECONDS)
        except AnchorboltError:
            # The master would start one worker after the other; this ends it, and Kubernetes shows the message.
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
