"""`python -m app serve`: the app as it runs in production."""

from __future__ import annotations

from functools import partial

from app import settings
from app.lifecycle import start
from app.lifecycle.master import Live
from app.settings.collector import collector


def serve() -> None:
    """Serves: answers Slack on PORT and Kubernetes on INTERNAL_PORT, runs the listeners, and drains on SIGTERM."""
    loaded = settings.load()
    collector()  # read again by the worker; what is malformed ends here, with a line for each
    start.serve(loaded, partial(_load, loaded))


def _load(loaded: settings.Settings) -> Live:
    from app import main  # noqa: PLC0415 - in the worker: the master needs none of it (app/lifecycle/start.py)

    return partial(main.live, loaded)
