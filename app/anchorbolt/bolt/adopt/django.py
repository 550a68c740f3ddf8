"""Django is set up before a team's listeners are imported, because its models cannot be imported earlier."""

from __future__ import annotations

import importlib
import os

from anchorbolt.bolt.adopt.importing import told

SETTINGS = "DJANGO_SETTINGS_MODULE"


def is_used() -> bool:
    """Whether Django's variable names its settings."""
    return bool(os.environ.get(SETTINGS))


def set_up() -> None:
    """Calls `django.setup()` where Django's variable names its settings, as Django's own commands do.

    Raises ListenersError, which shows the team's own line.
    """
    if is_used():
        with told("django"):
            importlib.import_module("django").setup()
