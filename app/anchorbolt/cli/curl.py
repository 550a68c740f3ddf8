"""Writes the curl command that sends the same request."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path


def equal_curl(url: str, headers: Mapping[str, str], body: bytes, file: Path | None = None) -> str:
    """Returns a command to paste into a shell. The body is part of it, or is read from `file`, byte for byte."""
    data = f"@{file}" if file is not None else body.decode()
    parts = ["curl", "-sS", "-i", "-X", "POST"]
    for name, value in headers.items():
        parts += ["-H", f"{name}: {value}"]
    return shlex.join([*parts, "--data-binary", data, url])
