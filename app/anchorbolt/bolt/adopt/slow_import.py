"""Says where a team's import is, when it takes long: one that waits for ever looks like a start that hangs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from anchorbolt.bolt import team_code
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

WATCHING = "watch the import"  # the name of a thread of ours
SECONDS = 15.0  # most imports take less, also where they load several SDKs


@contextmanager
def told(name: str, of: int | None = None) -> Iterator[None]:
    """While this lasts, logs every SECONDS the line of the team's code that a thread is in.

    Args:
        name: the module.
        of: the identity of the thread that imports; None: this one.
    """
    ended = threading.Event()
    thread = of or threading.get_ident()

    def watch() -> None:
        while not ended.wait(SECONDS):
            log.warning(
                "the import of LISTENERS goes on: what waits for requests or for ever belongs under"
                ' `if __name__ == "__main__":`',
                module=name,
                place=_place(thread),
            )

    watching = threading.Thread(target=watch, name=WATCHING, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()  # it is none of the threads that the import has started


def _place(thread: int) -> str:
    """The innermost line of the team's that a thread is in, as `file:line`; empty where there is none."""
    frame = sys._current_frames().get(thread)
    while frame is not None and not team_code.is_teams(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
