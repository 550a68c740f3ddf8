"""The app and the tests in docs/testing.md are a team's folder whose tests pass."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.kit.team import run_tests
from tests.support.app_process import ROOT

PAGE = (ROOT / "docs" / "testing.md").read_text()
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
(INI,) = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
THREE_LINES = re.findall(r"```python\n(def test_deploy.*?)```", (ROOT / "docs" / "listeners.md").read_text(), re.DOTALL)


def test_the_documented_tests_pass(tmp_path: Path) -> None:
    """The page's app.py and test_app.py, as they are written there, with the documented option."""
    run_tests(tmp_path, {**FILES, "pytest.ini": INI}).well(passed=4)


def test_three_lines_are_a_test(tmp_path: Path) -> None:
    """The test of docs/listeners.md needs no option, and the app is found by its name."""
    run_tests(tmp_path, {"app.py": FILES["app.py"], "test_app.py": THREE_LINES[0]}).well(passed=1)
