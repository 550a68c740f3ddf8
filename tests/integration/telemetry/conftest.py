"""The fixtures of the running app."""

from tests.integration.app.conftest import http, listener_log, play_to, slack, start_app
from tests.integration.socket.conftest import start_connected

__all__ = ["http", "listener_log", "play_to", "slack", "start_app", "start_connected"]
