"""A Slack emulator with its sockets, and processes of the app that connect to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.socket_mode.player import SocketPlayer

from tests.integration.app.conftest import StartApp, listener_log, slack, start_app
from tests.support.app_process import AppProcess

__all__ = ["listener_log", "slack", "start_app"]

# The settings of a process that connects.
CONNECTS = {"RECEIVER": "socket", "SLACK_APP_TOKEN": "xapp-made-up", "SLACK_SIGNING_SECRET": ""}

StartConnected = Callable[..., AppProcess]


@pytest.fixture
def start_connected(start_app: StartApp) -> StartConnected:
    """Starts the app in Socket Mode; `NAME=value` for other settings."""
    return lambda **settings: start_app(**(CONNECTS | settings))


@pytest.fixture
def player(slack: Emulator) -> SocketPlayer:
    """Slack, as it sends to whoever is connected."""
    return SocketPlayer(slack.sockets)
