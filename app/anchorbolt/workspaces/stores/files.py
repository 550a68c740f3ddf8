"""Reads the files of slack_sdk's FileInstallationStore, and those of its Amazon S3 store once they are copied.

A folder holds one folder for each workspace, `ENTERPRISE-TEAM` with `none` for what there is not. In it are
`installer-latest`, `installer-USER-latest`, `bot-latest`, and files of the past beside them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from anchorbolt.errors import AnchorboltError
from anchorbolt.workspaces.stores.gathering import Gathering, Skipped

OF_A_WORKSPACE = re.compile(r"(?:none|E[A-Z0-9]+)-(?:none|T[A-Z0-9]+)")


def gather(folder: Path, client_id: str | None, into: Gathering) -> None:
    """Reads all workspaces of a folder. Raises AnchorboltError where there is none, or it is not clear which app's.

    Args:
        folder: what the store calls `base_dir`.
        client_id: the name of a folder in it, if the store was made with one.
        into: takes what is found.
    """
    for workspace in sorted(_workspaces(folder, client_id)):
        for path in sorted(workspace.glob("*-latest")):
            where = f"{workspace.name}/{path.name}"
            try:
                row = json.loads(path.read_bytes())
            except (OSError, ValueError):
                into.skipped.append(Skipped(where, "it cannot be read"))
                continue
            if not isinstance(row, dict):
                into.skipped.append(Skipped(where, "it holds no installation"))
                continue
            into.add(row, is_bot=path.name.startswith("bot-"), where=where)


def _workspaces(folder: Path, client_id: str | None) -> list[Path]:
    if client_id is not None and (folder / client_id).is_dir():
        return _in(folder / client_id)
    if found := _in(folder):
        return found
    apps = {path.name: found for path in folder.iterdir() if path.is_dir() and (found := _in(path))}
    if len(apps) > 1 or (apps and client_id is not None):
        raise AnchorboltError(f"the folder has installations of other client ids: {', '.join(sorted(apps))}")
    return next(iter(apps.values()), [])


def _in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and OF_A_WORKSPACE.fullmatch(path.name)]
