"""The file of a SQLite inbox: one process serves from it, and what its errors ask of the operator."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from anchorbolt.errors import StoreLockedError


def lock(path: Path) -> IO[str]:
    """One serving process a file; the lock is the kernel's, so a killed process leaves none behind."""
    held = path.with_name(path.name + ".lock").open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        holder = held.read().strip() or "unknown"
        held.close()
        raise StoreLockedError(
            f"process {holder} serves from {path}: stop it, or give this one another DATABASE_URL"
            " (several processes share a PostgreSQL)"
        ) from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def advice(error: BaseException | None, path: Path | None) -> str:
    """SQLite's words, and what to do about them."""
    said = str(error)
    if "full" in said:
        return f"{said}: free some space where {path} lies"
    if "locked" in said or "busy" in said:
        return f"{said}: another process holds {path} open for writing (a backup, a shell?); end it"
    if "malformed" in said or "not a database" in said:
        return f"{said}: {path} is broken; restore a backup or move it away (docs/operations/backup.md)"
    return f"{said} ({path})"
