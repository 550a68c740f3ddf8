"""Tells the team's own code from that of Python, of libraries and of this app; names places in it, and its version."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

from anchorbolt.bolt.adopt.target import targets

_LIBRARIES = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_FOREIGN = tuple({f"{folder}{os.sep}" for folder in (*_LIBRARIES, Path(__file__).parents[1])})


def is_teams(file: str) -> bool:
    """Returns whether a source file is the team's: neither Python's, nor an installed library's, nor this app's."""
    return not file.startswith(_FOREIGN) and not file.startswith("<") and "site-packages" not in file


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Returns the frames of the team's code that an error passed through, the innermost last."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_teams(frame.filename)]


def place(at: TracebackType | None) -> str:
    """Returns the innermost place in the team's code that an error passed through: module, function and line.

    Where there is none, for a team whose code is installed like a library, it is the innermost place of all.
    """
    found = last = ""
    while at is not None:
        code = at.tb_frame.f_code
        last = f"{at.tb_frame.f_globals.get('__name__', '?')}.{code.co_qualname}:{at.tb_lineno}"
        if is_teams(code.co_filename):
            found = last
        at = at.tb_next
    return found or last


def version_of(listeners: str) -> str:
    """Returns a hash of the source files of the team's modules that are imported by now.

    They are those of the top-level packages that LISTENERS names, and those beside them that are no library's.

    Args:
        listeners: the setting LISTENERS, whose module has been imported.
    """
    tops = {target.module.partition(".")[0] for target in targets(listeners)}
    files: dict[str, Path] = {}
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and (name.partition(".")[0] in tops or is_teams(file)):
            files[name] = Path(file)
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        if name != "__main__" and path.is_file():
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
