"""`anchorbolt serve`: runs the app as in production."""

from __future__ import annotations

from anchorbolt import settings
from anchorbolt.lifecycle import start
from anchorbolt.settings.otel import collector


def serve() -> None:
    """Serves: answers Slack on PORT and Kubernetes on INTERNAL_PORT, runs the listeners, and drains on SIGTERM.

    Exits with 0 once it is drained, with 1 where it cannot serve, and with 2 where a setting is wrong.
    """
    loaded = settings.load()
    collector()  # the worker reads it again; malformed variables end the command here, with a line for each
    start.serve(loaded)
