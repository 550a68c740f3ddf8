"""The Makefile does what its help says, and needs nothing that a bare machine lacks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str, path: str = "/usr/bin:/bin") -> str:
    """What make prints, with no more than a bare machine has."""
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_help_has_a_line_for_every_target() -> None:
    """Each target that is no file has its line in `make help`, and `make` alone prints the same."""
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for line in phony for target in line.split()}
    told = make("help").splitlines()
    assert {line.split()[1] for line in told} == targets
    assert all(len(line.split()) > 3 for line in told)
    assert make().splitlines() == told


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [([], ""), (["DEMO=0"], " --no-demo"), (["DEMO=1", "EMULATOR_PORT=0"], " --emulator-port=0")],
)
def test_run_passes_its_variables_on(variables: list[str], arguments: str) -> None:
    """DEMO=0 plays nothing, EMULATOR_PORT chooses a port, and without either dev gets neither."""
    command = make("--dry-run", "run", *variables).splitlines()[-1]
    assert re.sub(r" +", " ", command).strip() == f"exec .venv/bin/anchorbolt dev{arguments}"


def test_uv_is_fetched_only_where_it_is_missing(tmp_path: Path) -> None:
    """Without uv a small environment gets one from the package index; with uv on the PATH that one is used."""
    uv = tmp_path / "uv"
    uv.touch(mode=0o755)
    made = ["--dry-run", "--always-make", "test"]
    assert "pip install --quiet --disable-pip-version-check uv" in make(*made)
    with_uv = make(*made, path=f"{tmp_path}:/usr/bin:/bin")
    assert "pip" not in with_uv
    assert f"{uv} sync --frozen" in with_uv
