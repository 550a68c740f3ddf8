"""A team's folder, whose tests are run as the team runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.app_process import NO_CERTIFICATES

SECONDS = 100
# What a developer's machine may hold, and no test may use.
REAL = {"SLACK_BOT_TOKEN": "xoxb-real", "SLACK_API_URL": "https://slack.invalid/api/"}


@dataclass(frozen=True, slots=True)
class Told:
    """What pytest said, and its exit code."""

    code: int
    text: str

    def well(self, passed: int) -> None:
        """Asserts that so many tests passed and none failed."""
        assert (self.code, f"{passed} passed" in self.text) == (0, True), self.text


def run_tests(
    folder: Path, files: Mapping[str, str], *arguments: str, python: str = sys.executable, **environment: str
) -> Told:
    """Writes the files into the folder, and runs pytest there."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "pytest.ini").touch()  # without one, pytest would look for ours above
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **NO_CERTIFICATES, **REAL, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Told(done.returncode, done.stdout + done.stderr)
