"""`anchorbolt` in a process that is forked from one in which all of it is imported.

Importing is most of the CPU that a command or the start of the app takes, and no module reads a setting when it is
imported (tests/unit/test_settings.py). So what is forked does here what it does when it is started: in a process, a
session, a folder and an environment of its own. It is left to tests/integration/app/test_start.py, and to others that
ask for `started_apps`, to show that the same holds for what is started.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType

from tests.support.new_process import Order, become

ROOT = Path(__file__).resolve().parents[2]

# Libraries read these when they are imported. A process for which they are set has to be started.
READ_AT_IMPORT = frozenset({"OTEL_PROPAGATORS", "OTEL_PYTHON_CONTEXT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"})

_context = multiprocessing.get_context("forkserver")
_starting = threading.Lock()  # the folder and the main module are those of all threads


class Forked:
    """A process of `anchorbolt`, with what is used of `subprocess.Popen`."""

    def __init__(self, order: Order) -> None:
        """Starts it. Returns once it has its session, its folder, its environment and its files."""
        assert not READ_AT_IMPORT & order.environment.keys(), "has to be started, not forked"
        ours, theirs = _context.Pipe(duplex=False)
        self._process = _context.Process(target=become, args=(order, theirs), daemon=True)
        with ours:
            with theirs, _starting, _without_main():
                _run_server()
                self._process.start()
            with contextlib.suppress(EOFError):  # the process has closed its end: it is what it should be
                ours.recv()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, within_seconds: float | None = None) -> int | None:
        """Its exit code, once it has ended; None if it has not within that time."""
        self._process.join(within_seconds)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Sends it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.send_signal(signal.SIGKILL)


@functools.cache
def _run_server() -> None:
    """Starts the fork server, in a folder where it finds the modules of the tests."""
    _context.set_forkserver_preload(["tests.support.preloaded"])
    with contextlib.chdir(ROOT):
        forkserver.ensure_running()


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hides the main module, which is pytest's: multiprocessing would import it in the process that it forks."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
