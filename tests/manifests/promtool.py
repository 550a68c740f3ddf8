"""Prometheus' own promtool: it plays series against rules in virtual time, and reads rules as Prometheus does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

promtool = shutil.which("promtool")
# In the CI nothing is skipped for a missing package: there it fails.
needs_promtool = pytest.mark.skipif(
    promtool is None and not os.environ.get("CI"), reason="promtool is not installed: apt-get install prometheus"
)


def play(directory: Path, rules: Mapping[str, Any], tests: Sequence[Mapping[str, Any]], interval: str) -> None:
    """Raises AssertionError, with what promtool says, unless each test gives what it expects.

    `rules`: as a file of Prometheus' has them, written to `directory`. `interval`: from one evaluation to the next.
    """
    (directory / "rules.yaml").write_text(json.dumps(rules))
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": interval, "tests": list(tests)}
    (directory / "test.yaml").write_text(json.dumps(test))  # which is YAML too, and written ten times as fast
    # Half of its CPU is for collecting garbage, of which there is little.
    environment = {"GOGC": "400"}
    if Path("/dev/shm").is_dir():  # it makes a database for each test, and waits for the disk each time
        environment["TMPDIR"] = "/dev/shm"
    command = [str(promtool), "test", "rules", "test.yaml"]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
