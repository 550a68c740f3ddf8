"""Our lines keep their form and their redaction, whatever a team's module configures."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import io, logging, logging.config, structlog
from anchorbolt.telemetry import logs
early = logs.get_logger("early")
logs.configure("INFO", as_json=True)
theirs = io.StringIO()
{team}
for logger in (early, logs.get_logger("late")):
    logger.info("told", why="xoxb-1-2-secret")
print(theirs.getvalue())
"""
DICT = '{"version": 1, "handlers": {"own": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["own"]}}'
FILE = """[loggers]
keys=root
[handlers]
keys=own
[formatters]
keys=
[logger_root]
level=ERROR
handlers=own
[handler_own]
class=StreamHandler
args=()
"""
TEAMS = {
    "a dictionary": f"logging.config.dictConfig({DICT})",
    "a file": f"logging.config.fileConfig(io.StringIO({FILE!r}))",
    "by force": 'logging.basicConfig(force=True, level="ERROR", format="TEAM %(message)s")',
    "structlog that prints": "structlog.configure(logger_factory=structlog.PrintLoggerFactory(), processors=["
    "structlog.dev.ConsoleRenderer()], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))",
    "structlog with a renderer": "structlog.configure(processors=[structlog.stdlib.filter_by_level,"
    " structlog.processors.JSONRenderer()], logger_factory=structlog.stdlib.LoggerFactory())",
}


def _written(team: str) -> tuple[str, list[dict[str, str]]]:
    """What a process writes to its standard output, and its lines of JSON, where a module of a team's does this."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(team=team)], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.strip(), [json.loads(line) for line in ran.stderr.splitlines()]


@pytest.mark.parametrize("team", TEAMS)
def test_a_configuration_of_a_team_leaves_our_lines(team: str) -> None:
    """They are JSON on standard error, each once, with secrets redacted, at the level that we were told."""
    printed, lines = _written(TEAMS[team])
    assert printed == ""
    assert [(one["event"], one["logger"]) for one in lines] == [
        ("told", "anchorbolt.early"),
        ("told", "anchorbolt.late"),
    ]
    assert all("secret" not in one["why"] for one in lines)


def test_a_handler_that_a_team_adds_gets_our_lines_too() -> None:
    """Beside ours, and not in its place: a tool that watches for errors has to see them."""
    printed, lines = _written("logging.getLogger().addHandler(logging.StreamHandler(theirs))")
    assert printed.count("told") == len(lines) == 2
