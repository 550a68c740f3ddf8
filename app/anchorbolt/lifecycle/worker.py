"""Our gunicorn worker. The master imports its class too, so this file imports no event loop."""

from __future__ import annotations

import signal
import sys

from gunicorn.arbiter import Arbiter
from gunicorn.workers import base

from anchorbolt.errors import MISTAKES, AnchorboltError
from anchorbolt.lifecycle import held_signals
from anchorbolt.lifecycle.heartbeat import from_a_thread

HEARTBEAT_SECONDS = 1.0


class Worker(base.Worker):  # type: ignore[misc] # it has no annotations
    """Runs our event loop. It imports what it needs beyond gunicorn in its own process (docs/decisions/0060)."""

    def init_signals(self) -> None:
        """gunicorn's own hook: resets its signal handlers, because the event loop installs its own (signals.py)."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # The master passes it on to reopen log files; without a handler it would kill the worker.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        held_signals.let_through()

    def load_wsgi(self) -> None:
        """gunicorn's own hook: imports the app, which on a node with little CPU takes longer than HANG_SECONDS."""
        with from_a_thread(self.notify, HEARTBEAT_SECONDS):
            super().load_wsgi()

    def run(self) -> None:
        """Serves until the drain has ended; called by gunicorn in the worker.

        If the app cannot start, it exits with a code that ends the master too.
        """
        from anchorbolt.lifecycle import loop  # noqa: PLC0415 - in the worker

        try:
            loop.run(lambda: self.wsgi([listener.sock for listener in self.sockets]), self.notify, HEARTBEAT_SECONDS)
        except AnchorboltError as error:
            # Otherwise the master would start one worker after another. These exit codes end it (master.py translates
            # them), and Kubernetes restarts the pod and shows the message.
            mistaken = isinstance(error, MISTAKES)
            sys.exit(Arbiter.APP_LOAD_ERROR if mistaken else Arbiter.WORKER_BOOT_ERROR)
