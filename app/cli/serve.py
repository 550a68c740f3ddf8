"""`python -m app serve`: the app as it runs in production."""

from __future__ import annotations

from app import main, settings


def serve() -> None:
    """Serves: answers Slack on PORT and Kubernetes on INTERNAL_PORT, runs the listeners, and drains on SIGTERM."""
    main.serve(settings.load())
