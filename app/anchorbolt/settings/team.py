"""What a team's own code reads from the environment: the variables of `.env`, and Slack's tokens from mounted files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from dotenv import dotenv_values
from pydantic import SecretStr

from anchorbolt.settings import ENV_FILE
from anchorbolt.settings.model import Settings

# Bolt's own names: the apps of most teams read them where they make their `App`.
_SLACK = ("slack_bot_token", "slack_signing_secret", "slack_app_token", "slack_client_id", "slack_client_secret")


def fill_environment(settings: Settings) -> None:
    """Puts into the environment of this process what a team's module may read when it is imported.

    These are all variables of `.env`, ours and the team's, and Slack's tokens and secret wherever they came from, also
    from a mounted file. A variable that is set already stays as it is. OpenTelemetry's variables are left out: some of
    them were read by now, when its libraries were imported, and half of a configuration is worse than none.
    """
    for name, value in dotenv_values(ENV_FILE).items():
        if value is not None and not name.startswith("OTEL_"):  # None: a line with a name alone
            os.environ.setdefault(name, value)
    for field in _SLACK:
        found: SecretStr | str | None = getattr(settings, field)
        value = found.get_secret_value() if isinstance(found, SecretStr) else found
        if value and not os.environ.get(field.upper()):
            os.environ[field.upper()] = value


def uses_django() -> bool:
    """Returns whether Django's own variable names its settings."""
    return bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def uses_django_configurations() -> bool:
    """Returns whether the settings are a class of django-configurations, which its own variable names."""
    return bool(os.environ.get("DJANGO_CONFIGURATION"))


@contextmanager
def hidden(name: str) -> Iterator[None]:
    """Takes a variable out of the environment while this lasts: a library reads it that must not act on it."""
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value
