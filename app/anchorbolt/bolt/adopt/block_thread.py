"""The thread of a main block."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from concurrent.futures import wait
from types import ModuleType

from anchorbolt.bolt.adopt import shared_loop, slow_import
from anchorbolt.bolt.adopt.calls import LetGoError
from anchorbolt.bolt.adopt.going import Import
from anchorbolt.bolt.adopt.importing import what_and_where
from anchorbolt.bolt.adopt.target import MAIN
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

# How long a thread of a main block that has ended may take to start the app.
THREADS_SECONDS = 15.0


class MainBlock(threading.Thread):
    """The thread that runs a main block, which may run an event loop: ours runs in the main thread.

    It goes on until the process ends, or until the block does.
    """

    def __init__(self, run: Callable[[], None], going: Import, main: ModuleType) -> None:
        """`run` runs the block; `going` tells when it has come to its start or its end; `main`: what `__main__` was."""
        self.raised: BaseException | None = None
        self._main = main
        self._run_block = run
        self.going = going
        super().__init__(name="main block", target=contextvars.copy_context().run, args=(self._go,), daemon=True)

    def _go(self) -> None:
        before = set(threading.enumerate())
        try:
            with shared_loop.current(self.going):
                self._run_block()
        except LetGoError:
            pass
        except BaseException as error:  # told to whoever waits for the block
            self.raised = error
            if self.going.has_started:
                log.error("a main block has ended after it started its app", error=what_and_where(error))
        else:
            begun = {one for one in threading.enumerate() if one.name != slow_import.WATCHING} - before
            if begun:  # one of them may start the app: Python would wait for them
                wait([self.going.came], THREADS_SECONDS)
        finally:
            sys.modules[MAIN] = self._main
            self.going.come()
