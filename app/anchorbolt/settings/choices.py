"""The settings that are one of a few words."""

from __future__ import annotations

import sys
from enum import StrEnum

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Role(StrEnum):
    """Which part of the work a process does."""

    ALL = "all"
    RECEIVER = "receiver"
    WORKER = "worker"


class ReceiverKind(StrEnum):
    """The transport: how deliveries arrive."""

    HTTP = "http"
    SOCKET = "socket"


class SocketConnections(StrEnum):
    """Which receivers are connected to Slack in Socket Mode: all of them, or only the leader."""

    ALL = "all"
    SINGLE = "single"


class InstallationsOf(StrEnum):
    """Whose the installations in workspaces are: ours, or those of the app's own store or `authorize`."""

    ANCHORBOLT = "anchorbolt"
    APP = "app"


class AttemptPolicy(StrEnum):
    """After which errors of a listener there is another attempt."""

    TRANSIENT = "transient"
    ALL = "all"
    NONE = "none"


class LogFormat(StrEnum):
    """The format of log lines; `auto` is JSON unless standard error is a terminal."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"

    @property
    def is_json(self) -> bool:
        """Whether this process writes its log lines as JSON."""
        if self is LogFormat.AUTO:
            return not sys.stderr.isatty()
        return self is LogFormat.JSON


class LogDeliveries(StrEnum):
    """Which deliveries are logged, each with a line when it arrives and one when it ends."""

    ALL = "all"
    FAILURES = "failures"
    NONE = "none"
