"""`anchorbolt serve`: runs the app as in production."""

from __future__ import annotations

from anchorbolt import settings
from anchorbolt.lifecycle import start
from anchorbolt.settings.otel import collector


def serve() -> None:
    """Serves: answers Slack on PORT and Kubernetes on INTERNAL_PORT, runs the listeners, and drains on SIGTERM."""
    loaded = settings.load()
    collector()  # the worker reads it again; malformed variables end the command here, with a line for each
    start.serve(loaded)
