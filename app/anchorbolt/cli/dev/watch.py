"""Waits until a file of the app is saved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from anchorbolt.settings import ENV_FILE

if TYPE_CHECKING:
    from watchfiles import Change

# An editor that writes several files at once is waited for, until it has been quiet for a step.
_STEP_MS = 50
_LONGEST_MS = 400
# How long a thread of watchfiles may go on after it is not needed any more.
_THREAD_MS = 1_000


async def saved(folders: Iterable[str], since: float) -> set[Path]:
    """Waits until a Python file in one of these folders, or `.env`, is written or deleted, and returns which.

    Args:
        folders: looked at without the folders in them.
        since: when the app was loaded, in seconds of the epoch. What was written after that, before this call, counts.

    Raises:
        ImportError: the package watchfiles is not installed.
    """
    from watchfiles import awatch  # noqa: PLC0415 - an extra: `dev` runs without it too

    here = Path.cwd()
    known = {Path(folder) for folder in folders}

    def fits(_: Change, path: str) -> bool:
        return _matters(Path(path), known, here)

    changes = awatch(
        *(known | {here}),
        watch_filter=fits,
        recursive=False,
        step=_STEP_MS,
        debounce=_LONGEST_MS,
        rust_timeout=_THREAD_MS,
    )
    watching = asyncio.ensure_future(anext(changes))
    try:
        await asyncio.sleep(0)  # the watch has begun; what was saved before it is found by its time
        if early := {path for path in _files(known | {here}) if _matters(path, known, here) and _time(path) > since}:
            return early
        return {Path(path) for _, path in await watching}
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _matters(path: Path, folders: set[Path], here: Path) -> bool:
    return (path.suffix == ".py" and path.parent in folders) or path == here / ENV_FILE


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders if folder.is_dir() for path in folder.iterdir()]


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # deleted meanwhile
        return 0.0
