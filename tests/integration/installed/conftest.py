"""An environment in which the wheel is installed, without the checkout on its path."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.app_process import ROOT


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel, and the virtual environment that it is installed in."""

    wheel: Path
    environment: Path

    @property
    def command(self) -> str:
        """The console script."""
        return str(self.environment / "bin" / "anchorbolt")

    @property
    def files(self) -> list[str]:
        """What the wheel holds."""
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.namelist()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Builds the wheel and installs it. What it depends on comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    run(sys.executable, "-m", "venv", str(environment))
    run(str(environment / "bin" / "pip"), "install", "--quiet", "--no-index", "--no-deps", str(wheel))
    (packages,) = environment.glob("lib/python3*/site-packages")
    # A line of a .pth file names a folder, whose own .pth files (that of the checkout) are not read.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return Installed(wheel, environment)


def run(*command: str, cwd: Path | None = None) -> None:
    """Runs a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
