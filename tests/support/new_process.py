"""How a fork of the fork server becomes what a new process of `anchorbolt` is (forked.py)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What a new process is given: its arguments, folder and environment, and the files that it prints to."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path


def become(order: Order, started: Connection) -> None:
    """Takes over all that a new process is given, closes `started`, and runs the command."""
    from tests.support import preloaded  # noqa: PLC0415 - in the fork server

    assert os.getppid() == preloaded.SERVER, "the fork server could not import tests.support.preloaded"
    os.setsid()
    for path, descriptor in ((order.stdout, 1), (order.stderr, 2)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(order.directory)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.path[:] = [*filter(None, order.environment.get("PYTHONPATH", "").split(os.pathsep)), *preloaded.SYS_PATH]
    started.close()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - multiprocessing reads another number
    from anchorbolt import __main__  # noqa: PLC0415 - forked as a module, and not imported by every test

    sys.path.insert(0, str(Path.cwd()))
    sys.argv[:] = [__main__.__file__, *order.arguments]
    __main__.main()
