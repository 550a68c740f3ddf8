"""The file of a SQLite inbox: one process serves from it, and what its errors ask of the operator."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import IO

from anchorbolt.errors import StoreLockedError

# Bodies hold tokens and what people wrote: nobody but the user that serves may read them.
PRIVATE = 0o600


def make_private(path: Path) -> None:
    """Makes the file if it is not there, and takes from it and from those beside it what rights others have.

    SQLite gives `-wal` and `-shm` the rights of the file when it makes them. Raises OSError where it cannot be opened.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE))
    for ending in ("", "-wal", "-shm", ".lock"):
        one = path.with_name(path.name + ending)
        with contextlib.suppress(FileNotFoundError, PermissionError):  # not ours: whoever owns it decides
            if stat.S_IMODE(one.stat().st_mode) & 0o077:
                one.chmod(PRIVATE)


def identity(path: Path) -> tuple[int, int] | None:
    """What tells this file from another of the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def lock(path: Path, setting: str) -> IO[str]:
    """Locks the file for this process; the lock is the kernel's, so a killed process leaves none behind.

    `setting`: the one that names the file. Raises StoreLockedError where another process serves from it.
    """
    name = path.with_name(path.name + ".lock")
    held = os.fdopen(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE), "a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        holder = held.read().strip() or "unknown"
        held.close()
        raise StoreLockedError(
            f"process {holder} serves from {path}: stop it, or give this one another {setting}"
            " (several processes share a PostgreSQL)"
        ) from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def advice(error: BaseException | None, path: Path | None) -> str:
    """SQLite's words, and what to do about them."""
    said = str(error)
    if "full" in said or (path is not None and _is_full(path)):  # SQLite says `disk I/O error` of some full disks
        return f"{said}: the disk is full; free some space where {path} lies"
    if "readonly" in said or "unable to open" in said:
        return f"{said}: {path} is read-only for this user, or its folder is; let it be written to"
    if "locked" in said or "busy" in said:
        return f"{said}: another process holds {path} open for writing (a backup, a shell?); end it"
    if "malformed" in said or "not a database" in said:
        return f"{said}: {path} is broken; restore a backup or move it away (docs/operations/backup.md)"
    return f"{said} ({path})"


def _is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False


def gone(path: Path) -> str:
    """What to say where the file is no more what it was when it was opened: what is written now would be lost."""
    return (
        f"{path} was renamed, deleted or replaced while this process serves from it: put it back, or restart the"
        " process, which then begins with what is there"
    )
