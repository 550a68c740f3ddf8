"""The fixtures of the running app."""

from tests.integration.app.conftest import http, listener_log, play_to, slack, start_app

__all__ = ["http", "listener_log", "play_to", "slack", "start_app"]
