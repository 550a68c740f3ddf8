"""A folder for what a measurement writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.variants import ROOT


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Makes a folder in `var/`, and removes it at the end. `name`: of the measurement.

    Not in /tmp, which may be memory: then an fsync would cost nothing, and durability would look free. A PostgreSQL
    that runs as another user may enter it.
    """
    (ROOT / "var").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=ROOT / "var") as place:
        directory = Path(place)
        directory.chmod(0o755)
        yield directory
