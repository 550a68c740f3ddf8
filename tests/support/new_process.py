"""How a fork of the fork server becomes what a new process of `anchorbolt` is (forked.py)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn


@dataclass(frozen=True)
class Order:
    """What a new process is given: its arguments, folder and environment, and the files that it prints to."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path


class _Executed(BaseException):
    """Ends what ran in a process, where it executes something else."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__()
        self.command = command


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
    try:
        _run(order.arguments)
    except _Executed as executed:
        command = executed.command
    else:
        return
    _run_master(command)


def _run(arguments: Sequence[str]) -> None:
    """`python -m anchorbolt`, up to where it would execute something else."""
    from anchorbolt import __main__, cli  # noqa: PLC0415 - forked as modules, and not imported by every test

    os.execv = _execute  # type: ignore[assignment] # as far as it is used here
    sys.path.insert(0, str(Path.cwd()))
    sys.argv[:] = [__main__.__file__, *arguments]
    cli.main()


def _execute(_: str, command: Sequence[str]) -> NoReturn:
    raise _Executed(command)


def _run_master(command: Sequence[str]) -> None:
    """What `serve` becomes (app/anchorbolt/lifecycle/orders.py)."""
    from anchorbolt import master  # noqa: PLC0415

    *_, module, orders = command
    assert module == master.__name__
    sys.argv[:] = [master.__file__, orders]
    master.main(orders)
