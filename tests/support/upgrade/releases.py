"""The release before, taken from the history of this repository, and this checkout: how each is started."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.app_process import ANCHORBOLT, ROOT, AppProcess

# The schema had revision 2 then, and the package was named `app`.
OLD_COMMIT = "7820936"


@dataclass(frozen=True)
class Release:
    """A checkout, and how its command line is called there, where it is not this one."""

    name: str
    root: Path
    anchorbolt: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """Its own packages, and its own tests.support.listeners, are the ones that are imported."""
        return {"PYTHONPATH": str(self.root)}

    def run(self, directory: Path, database_url: str, *arguments: str) -> str:
        """What a command of its command line prints. Raises AssertionError when it does not end with 0."""
        environment = AppProcess.bare_environment() | self.environment
        needed = {"DATABASE_URL": database_url, "SLACK_SIGNING_SECRET": "s" * 32, "SLACK_BOT_TOKEN": "xoxb-made-up"}
        done = subprocess.run(
            [*(self.anchorbolt or ANCHORBOLT), *arguments],
            cwd=directory,
            env=environment | needed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


NEW = Release("new", ROOT)


def old_release(directory: Path, commit: str = OLD_COMMIT) -> Release | None:
    """The release of a commit, unpacked into the directory; None where the history is not there (a shallow clone)."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        return None
    root = directory / commit
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(root, filter="data")
    return Release("old", root, (sys.executable, "-m", "app"))
