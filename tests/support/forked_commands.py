"""Runs `anchorbolt` in processes that are forked from one in which all of it is imported.

Importing is most of the CPU that a command takes, and no module reads a setting when it is imported
(tests/unit/test_settings.py). So a command does here what it does when it is started, in a process, a folder and an
environment of its own, and takes a tenth of the CPU.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from anchorbolt.cli import main

WITHIN_SECONDS = 60
IMPORTED = ("cli.check", "cli.inbox", "cli.migrate", "cli.region", "cli.workspaces", "main", "inbox.postgresql")

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([f"anchorbolt.{name}" for name in IMPORTED])


def run(directory: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs `anchorbolt` with these arguments in a folder, with nothing else in its environment.

    Returns what it printed, and its exit code. Fails if it takes longer than WITHIN_SECONDS.
    """
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder, "stdout"), Path(folder, "stderr")
        process = _context.Process(target=_become, args=(directory, environment, arguments, said, complained))
        process.start()
        process.join(WITHIN_SECONDS)
        code = process.exitcode
        process.kill()
        assert code is not None, f"anchorbolt {' '.join(arguments)}: not within {WITHIN_SECONDS} s"
        return subprocess.CompletedProcess(arguments, code, said.read_text(), complained.read_text())


def _become(
    directory: Path, environment: Mapping[str, str], arguments: Sequence[str], said: Path, complained: Path
) -> None:
    """Takes over folder, environment, arguments and output of a command, and runs it."""
    gc.freeze()  # the end of the command would look at all that is imported, and copy its memory
    for path, descriptor in ((said, sys.stdout.fileno()), (complained, sys.stderr.fileno())):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    main()
