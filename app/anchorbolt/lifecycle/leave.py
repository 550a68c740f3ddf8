"""Ends the process after the drain, though threads that nothing can stop would hold it up."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time

from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")


def leave() -> None:
    """Ends the process at once, with exit code 0, and whatever runs in it. What was logged is written before."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def leave_within(seconds: float) -> None:
    """Lets the process end by itself for so long, and ends it then.

    The event loop waits for the threads of `asyncio.to_thread`, and Python for all that are no daemons: those that
    Starlette runs `def` routes in, and those that a team has started itself. The loop waits for tasks too, such as the
    `main()` of a main block (docs/decisions/0118).
    """

    def watch() -> None:
        time.sleep(seconds)
        main = threading.main_thread()
        names = [one.name for one in threading.enumerate() if one is not main and not one.daemon]
        if names:
            log.error("threads go on after the drain: the process ends with them", threads=len(names), names=names[:5])
        else:
            log.error("a task goes on after the drain although it was cancelled: the process ends with it")
        leave()

    threading.Thread(target=watch, name="leave", daemon=True).start()
