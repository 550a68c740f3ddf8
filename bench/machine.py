"""Where a result was measured: numbers without their machine and versions say nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.variants import BOLT_JS, ROOT

_PACKAGES = (
    *("slack-bolt", "slack-sdk", "aiohttp", "fastapi", "starlette", "uvicorn", "uvloop", "httptools"),
    *("gunicorn", "sqlalchemy", "asyncpg", "orjson"),
)


def machine(directory: Path) -> dict[str, Any]:
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": model[0].partition(":")[2].strip() if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "filesystem": _out("df", "--output=fstype", str(directory)).split()[-1],
        "load_before": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    found = {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
    found["node"] = _out("node", "--version")
    found["bolt-js"] = _out("node", "-p", f"require('{BOLT_JS}/node_modules/@slack/bolt/package.json').version")
    return found


def commit() -> str:
    return _out("git", "-C", str(ROOT), "describe", "--always", "--dirty")


def _out(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
