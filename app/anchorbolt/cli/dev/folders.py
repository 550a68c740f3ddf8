"""The folders that an app was loaded from: `dev` watches them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import anchorbolt

_OURS = Path(anchorbolt.__file__).parent
# Below the working directory, but not the team's: environments, and what the app itself writes.
_NOT_THEIRS = frozenset({"venv", "site-packages", "node_modules", "var", "__pycache__"})


def team_folders(listeners: str, error: BaseException | None = None) -> tuple[str, ...]:
    """Returns the folders of the modules in LISTENERS, and of all that was imported from the working directory.

    Args:
        listeners: the setting. A module of it counts wherever it is, unless it is installed.
        error: what the import raised. The files of its traceback, and the one with the syntax error, count too, because
            a module that could not be imported is in no list of imported ones.
    """
    here = Path.cwd()
    own = [*_named(listeners)]
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    if not own:  # it may be written next
        own.append(here / "app.py")
    imported = [Path(file) for file in [*files, *_files_of(error)] if file]
    found = {path.parent for path in imported if is_theirs(path, here)}
    found |= {path.parent for path in own if "site-packages" not in path.parts}
    return tuple(sorted(str(folder.absolute()) for folder in found if folder.is_dir()))


def is_theirs(path: Path, here: Path) -> bool:
    """Whether a file is below the working directory `here`, and neither installed, hidden, written nor ours."""
    path = path.absolute()
    if not path.is_relative_to(here) or path.is_relative_to(_OURS):
        return False
    folders = path.relative_to(here).parts[:-1]
    return not any(name in _NOT_THEIRS or name.startswith(".") for name in folders)


def _named(listeners: str) -> Iterator[Path]:
    for part in listeners.split(","):
        name = part.partition(":")[0].strip()
        try:
            spec = find_spec(name)
        except Exception:  # noqa: S112 - its package raises when it is imported; the error's own files are known
            continue
        if spec is not None and spec.origin and spec.has_location:
            yield Path(spec.origin)


def _files_of(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, SyntaxError) and error.filename:
            yield error.filename
        yield from (frame.filename for frame in traceback.extract_tb(error.__traceback__))
        error = error.__cause__ or error.__context__
