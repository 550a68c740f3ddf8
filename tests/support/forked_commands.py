"""Runs `anchorbolt` to its end in forked processes (forked.py)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.forked import Forked
from tests.support.new_process import Order

WITHIN_SECONDS = 60


def run(directory: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs `anchorbolt` with these arguments in a folder, with nothing else in its environment.

    Returns what it printed, and its exit code. Fails if it takes longer than WITHIN_SECONDS.
    """
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder, "stdout"), Path(folder, "stderr")
        process = Forked(Order(arguments, directory, environment, said, complained))
        code = process.wait(WITHIN_SECONDS)
        process.kill()
        assert code is not None, f"anchorbolt {' '.join(arguments)}: not within {WITHIN_SECONDS} s"
        return subprocess.CompletedProcess(arguments, code, said.read_text(), complained.read_text())
