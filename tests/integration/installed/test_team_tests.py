"""Where the wheel is installed beside pytest, a team's tests have the fixture `anchorbolt`."""

from __future__ import annotations

from pathlib import Path

from tests.integration.installed.conftest import Installed
from tests.integration.kit.team import run_tests

APP = """
def register(app):
    @app.command("/deploy")
    def deploy(ack, command):
        ack(f"Deploying {command['text']}")
"""
TESTS = """
def test_deploy(anchorbolt):
    answer = anchorbolt.send(command="/deploy", text="prod")
    assert answer.text == "Deploying prod"
"""


def test_the_plugin_comes_with_the_wheel(installed: Installed, tmp_path: Path) -> None:
    """Three lines are a test, and what they test is the app in the team's folder."""
    python = str(installed.environment / "bin" / "python")
    run_tests(tmp_path, {"app.py": APP, "test_app.py": TESTS}, python=python).well(passed=1)
