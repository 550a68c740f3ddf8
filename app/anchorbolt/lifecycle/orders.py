"""How `serve` becomes the master: it executes itself anew, with orders on the command line that hold no secret."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import NoReturn

# Blocked until there is a handler for them: a process with PID 1 and without a handler would lose them.
HELD_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(frozen=True, slots=True)
class Orders:
    """What the master needs to know.

    `addresses`: where to listen, the internal port last. `end_seconds`: how long a worker may take to end.
    """

    addresses: tuple[tuple[str, int], ...]
    end_seconds: float
    log_level: str
    as_json: bool

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Orders:
        """Parses the text that `str` makes of orders."""
        told = json.loads(text)
        return cls(**told | {"addresses": tuple((host, port) for host, port in told["addresses"])})


def become_master(orders: Orders) -> NoReturn:
    """Replaces this process by the master (app/anchorbolt/master.py), which starts without any of our imports."""
    given = sys.orig_argv
    options = given[1 : given.index("-m")] if "-m" in given else []  # Python's own, as -X
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    os.execv(sys.executable, [sys.executable, *options, "-m", "anchorbolt.master", str(orders)])  # noqa: S606 - itself
