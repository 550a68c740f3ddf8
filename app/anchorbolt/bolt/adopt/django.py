"""Django is set up before a team's listeners are imported, because its models cannot be imported earlier."""

from __future__ import annotations

import importlib

from anchorbolt.bolt.adopt.importing import noting_apps, told
from anchorbolt.settings.team import uses_django, uses_django_configurations


def set_up() -> None:
    """Calls `django.setup()` where Django's variable names its settings, as Django's own commands do.

    An `AppConfig` may make the app, or import the module that does. With django-configurations, its setup is called: it
    makes Django's settings from a class first.

    Raises ListenersError, which shows the team's own line.
    """
    if uses_django():
        with told("django"), noting_apps():
            package = "configurations" if uses_django_configurations() else "django"
            importlib.import_module(package).setup()
