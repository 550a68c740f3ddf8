"""The settings: only this package reads the environment, `.env` and mounted secret files, and only when called.

The master reads those that it needs by of_master.py, and all others read all of them, by `load`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from anchorbolt.errors import InvalidSettingsError

if TYPE_CHECKING:
    from anchorbolt.settings.model import Settings

DEFAULT_SECRETS_DIRECTORY = "/run/secrets/anchorbolt"
ENV_FILE = ".env"  # in the working directory


def load() -> Settings:
    """Reads the settings from the environment, `.env` and the folder that SECRETS_DIRECTORY names.

    Raises InvalidSettingsError, which names every wrong setting, or a file that cannot be read. It never shows a value.
    """
    # The master, which imports this package too, does without pydantic.
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import SettingsError  # noqa: PLC0415

    from anchorbolt.settings.model import Settings  # noqa: PLC0415

    directory = secrets_directory()
    try:
        return Settings(_secrets_dir=directory if directory.is_dir() else None)
    except ValidationError as error:
        found = {one["loc"]: one["msg"] for one in error.errors(include_input=False, include_url=False)}
        if ("anchorbolt_database_url",) in found:  # `database_url` is a copy of it: the problem is named once
            found.pop(("database_url",), None)
        raise InvalidSettingsError([_problem(where, what) for where, what in found.items()]) from None
    except OSError as error:
        raise InvalidSettingsError([f"{error.filename}: cannot be read: {error.strerror}"]) from None
    except (SettingsError, UnicodeDecodeError):
        raise InvalidSettingsError([f"{ENV_FILE}, or a file in {directory}: is no text in UTF-8"]) from None


def secrets_directory() -> Path:
    """Returns the folder of mounted settings, which need not be there."""
    return Path(os.environ.get("SECRETS_DIRECTORY") or DEFAULT_SECRETS_DIRECTORY)


def _problem(where: tuple[int | str, ...], what: str) -> str:
    """One problem as a line that begins with the setting's name; the text of a problem between two has it already."""
    name = ".".join(map(str, where)).upper()
    return f"{name}: {what}".removeprefix(": ").replace("Value error, ", "", 1)


def environment_with(**changes: str) -> dict[str, str]:
    """Returns our environment with these variables set, for a process that we start."""
    return {**os.environ, **changes}
