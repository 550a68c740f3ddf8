"""How `serve` becomes the master: it is told on its command line what to do, so nothing of that is a secret."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import NoReturn

# Held back until there is somebody to take them: as PID 1 a process without a handler would lose them.
HELD_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(frozen=True, slots=True)
class Orders:
    """`addresses`: where to listen, Kubernetes' last. `end_seconds`: what the end of a worker may take."""

    addresses: tuple[tuple[str, int], ...]
    end_seconds: float
    log_level: str
    as_json: bool

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Orders:
        """What `str` has written."""
        told = json.loads(text)
        return cls(**told | {"addresses": tuple((host, port) for host, port in told["addresses"])})


def become_master(orders: Orders) -> NoReturn:
    """The same process and environment go on, in a Python that has imported nothing yet (app/anchorbolt/master.py)."""
    given = sys.orig_argv
    options = given[1 : given.index("-m")] if "-m" in given else []  # Python's own, as -X
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    os.execv(sys.executable, [sys.executable, *options, "-m", "anchorbolt.master", str(orders)])  # noqa: S606 - itself
