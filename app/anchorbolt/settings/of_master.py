"""The few settings that the master needs, read without pydantic, which it would hold for as long as it waits.

The worker reads all settings a moment later and refuses wrong ones, so this reading only has to agree with it on values
that are right. tests/unit/test_master_settings.py compares the two.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anchorbolt.settings import ENV_FILE, load, secrets_directory
from anchorbolt.settings.choices import LOG_LEVELS, LogFormat, ReceiverKind, Role


@dataclass(frozen=True)
class MasterSettings:
    """Where to listen, how long a worker may take to end, and how log lines look, with their defaults."""

    role: Role = Role.ALL
    receiver: ReceiverKind = ReceiverKind.HTTP
    host: str = "0.0.0.0"  # noqa: S104 - a container's own address is not known before it runs
    port: int = 3000
    internal_port: int = 3001
    ack_deadline_seconds: float = 2.5
    drain_timeout_seconds: float = 25
    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.AUTO

    def __post_init__(self) -> None:
        """Raises ValueError where both ports are one."""
        if self.port == self.internal_port:
            raise ValueError(self.port)

    @property
    def has_public_port(self) -> bool:
        """Whether this process receives over HTTP."""
        return self.role is not Role.WORKER and self.receiver is ReceiverKind.HTTP


def read() -> MasterSettings:
    """Reads these settings from where `settings.load` reads all of them.

    Raises InvalidSettingsError, with every setting that is wrong, if one of these is.
    """
    try:
        given = _given()
        return MasterSettings(**{name: kind(given[name]) for name, kind in _KINDS.items() if name in given})
    except (ValueError, OSError):  # wrong, in no UTF-8, not readable, or written in a way that only pydantic knows
        from anchorbolt.settings.misspelt import explained  # noqa: PLC0415 - it imports pydantic

        with explained():
            return load().of_master


def _given() -> dict[str, str]:
    """The values that are set, by their names in small letters."""
    found = _by_name(_mounted())
    if Path(ENV_FILE).is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - few pods have such a file

        found |= _by_name(dotenv_values(ENV_FILE))
    return found | _by_name(os.environ)


def _by_name(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name.lower(): value for name, value in values.items() if value and name.lower() in _KINDS}


def _mounted() -> dict[str, str]:
    directory = secrets_directory()
    if not directory.is_dir():
        return {}
    ours = [path for path in directory.iterdir() if path.name.lower() in _KINDS and path.is_file()]
    return {path.name: path.read_text(encoding="utf-8").strip() for path in ours}


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


def _level(text: str) -> str:
    level = text.upper()
    if level not in LOG_LEVELS:
        raise ValueError(text)
    return level


_KINDS: dict[str, Callable[[str], Any]] = {
    "role": Role,
    "receiver": ReceiverKind,
    "host": str,
    "port": _port,
    "internal_port": _port,
    "ack_deadline_seconds": _seconds,
    "drain_timeout_seconds": _seconds,
    "log_level": _level,
    "log_format": LogFormat,
}
