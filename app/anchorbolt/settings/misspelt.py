"""Finds names that are close to a setting and are none: `SLACK_SIGNIN_SECRET`, `ANCHORBOLT_PORT`.

A team's own variables are in the same environment and in the same `.env`. So a name that we do not know is no mistake,
and one that looks like a setting of ours is worth a warning at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches

from dotenv import dotenv_values

from anchorbolt.errors import InvalidSettingsError
from anchorbolt.settings import ENV_FILE, secrets_directory
from anchorbolt.settings.model import Settings

PREFIX = "ANCHORBOLT_"
SETTINGS = frozenset(name.upper() for name in Settings.model_fields) | {"SECRETS_DIRECTORY"}
# Of a name of ten letters one may be wrong. Names that are shorter, such as PORT, are close to too many others.
LIKENESS = 0.9
# Many apps have these for themselves: the token in the time before bot tokens, and SQLAlchemy's word.
OF_APPS = frozenset({"SLACK_API_TOKEN", "DATABASE_URI"})


def misspelt() -> list[str]:
    """Returns a sentence for each such name in the environment, `.env` and the folder of mounted settings."""
    try:
        mounted = {path.name: "a file" for path in secrets_directory().iterdir()}
    except OSError:  # there is none, or its names cannot be read
        mounted = {}
    try:
        in_file = {name: value or "" for name, value in dotenv_values(ENV_FILE).items()}
    except (OSError, UnicodeDecodeError):  # `settings.load` says so
        in_file = {}
    return warnings({**mounted, **in_file, **os.environ})


@contextmanager
def explained() -> Iterator[None]:
    """Adds these sentences to an InvalidSettingsError: a setting that is missing may only be misspelt."""
    try:
        yield
    except InvalidSettingsError as error:
        raise InvalidSettingsError([*error.problems, *misspelt()]) from None


def warnings(given: Mapping[str, str]) -> list[str]:
    """Returns a sentence for each name that is close to a setting. A setting that is given too was not meant.

    Args:
        given: variables with their values; an empty one counts as not given, and none is shown.
    """
    names = {name.upper(): value for name, value in given.items() if value}
    unset = sorted(SETTINGS - names.keys())
    meant = {name: _meant(name, value, unset) for name, value in names.items() if name not in SETTINGS | OF_APPS}
    return [f"{name} is not a setting; did you mean {setting}?" for name, setting in sorted(meant.items()) if setting]


def _meant(name: str, value: str, unset: list[str]) -> str | None:
    bare = name.removeprefix(PREFIX)
    if bare in unset and not value.startswith("tcp://"):  # Kubernetes sets ANCHORBOLT_PORT so for a Service anchorbolt
        return bare
    return next(iter(get_close_matches(name, unset, n=1, cutoff=LIKENESS)), None)
