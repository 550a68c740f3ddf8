"""The command line of the inbox starts quickly, because it loads nothing of what serves."""

from __future__ import annotations

import json
import subprocess
import sys

# What an operator's command needs is a database, a table and text.
NOT_LOADED = (
    "slack_bolt",
    "slack_sdk",
    "fastapi",
    "starlette",
    "uvicorn",
    "gunicorn",
    "aiohttp",
    "alembic",
    "emulator",
)


def test_inbox_loads_nothing_of_what_serves() -> None:
    """`anchorbolt inbox` imports neither Bolt nor a web framework nor the emulator; a database's driver only to use it.

    (`python -m bench.inbox_start` prints how long it takes beside SQLAlchemy and asyncpg.)
    """
    code = "import json, sys; from anchorbolt.cli import load; load('inbox'); print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    parts = {part for name in loaded for part in name.split(".")}
    assert parts.isdisjoint(NOT_LOADED)
    assert "anchorbolt.main" not in loaded
