"""`serve` as Typer knows it, for its help. The command itself starts without Typer (app/anchorbolt/__main__.py)."""

from __future__ import annotations

from anchorbolt import master


def serve() -> None:
    """Runs the app in production: answers Slack on PORT and probes on INTERNAL_PORT, and runs the listeners.

    SIGTERM drains it: it takes no more requests, finishes what runs, and ends.

    Exits with 0 after a drain, with 1 if it cannot serve, and with 2 if a setting is wrong.
    """
    master.serve()
