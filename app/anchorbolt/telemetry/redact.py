"""Redacts what gives access to something: in texts, in log lines, in payloads that are shown.

A value is found by its form (secret_patterns.py), by the name of its field, or because it is known: the secret
settings, and the verification token that each request of Slack's carries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from anchorbolt.telemetry.secret_patterns import REDACTED, RULES, TRIGGER_ID, of_value

if TYPE_CHECKING:
    from anchorbolt.settings.model import Settings  # the master, which writes lines too, does without pydantic

# Fields of Slack's payloads whose whole value is redacted.
SECRET_FIELDS = frozenset({
    "token", "bot_access_token", "workflow_token", "access_token", "refresh_token", "response_url", "response_urls",
    "trigger_id", "client_secret", "url_private", "url_private_download", "permalink_public", "upload_url",
})  # fmt: skip
# Fields of our own log lines. A command's key and lane hold its trigger_id; operators look deliveries up by them.
NAMES_OF_DELIVERIES = frozenset({"key", "lane"})

# Shorter known values are left alone: they would be found inside of ordinary words.
LEAST_CHARACTERS = 8
# An app has one verification token; several apps may post to one address while one replaces the other.
MOST_LEARNED = 8


class _Known:
    """The values that are known to be secret, each with the part of it that no encoding changes."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, re.Pattern[str]]] = {}
        self.learned: dict[str, None] = {}

    def add(self, value: str) -> None:
        if len(value) >= LEAST_CHARACTERS and value not in self.found:
            self.found[value] = (max(re.split(r"[^A-Za-z0-9\-._~]+", value), key=len), of_value(value))


_known = _Known()


def hide_settings(settings: Settings) -> None:
    """Redacts the values of the secret settings from now on, and the passwords of the URLs among them."""
    for name in type(settings).model_fields:
        reveal = getattr(getattr(settings, name), "get_secret_value", None)  # of pydantic's SecretStr
        if reveal is not None:
            _hide(reveal())


def _hide(value: str) -> None:
    if "://" not in value:
        for part in value.split(","):  # two signing secrets during a rotation
            _known.add(part.strip())
        return
    credentials, at, _ = value.partition("://")[2].rpartition("@")
    user, colon, password = credentials.partition(":")
    if at and colon and password != user:  # `anchorbolt:anchorbolt@` in development; as part of the URL it is found
        _known.add(password)
        _known.add(unquote(password))


def learn_token(token: object) -> None:
    """Redacts a request's verification token from now on. Call it for verified requests only; it is cheap."""
    if not isinstance(token, str) or token in _known.learned:
        return
    if 2 * LEAST_CHARACTERS <= len(token) <= 100:
        while len(_known.learned) >= MOST_LEARNED:
            oldest = next(iter(_known.learned))
            del _known.learned[oldest]
            _known.found.pop(oldest, None)
        _known.learned[token] = None
        _known.add(token)


def without_secrets(text: str, *, trigger_ids: bool = True) -> str:
    """Returns the text with its secrets redacted. `trigger_ids`: whether those count as secrets."""
    for part, known in tuple(_known.found.values()):
        if part in text:
            text = known.sub(REDACTED, text)
    lower = text.lower()
    for hints, pattern, replacement in RULES:
        if any(hint in lower for hint in hints):
            text = pattern.sub(replacement, text)
    return TRIGGER_ID.sub(REDACTED, text) if trigger_ids and "." in text else text


def redact(value: Any) -> Any:
    """Returns a copy of a parsed payload, or of a log line's fields, that may be shown.

    What is no JSON stays as it is.
    """
    if isinstance(value, dict):
        return {name: _field(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    return without_secrets(value) if isinstance(value, str) else value


def _field(name: Any, inner: Any) -> Any:
    if name in SECRET_FIELDS and inner is not None:
        return REDACTED
    if name in NAMES_OF_DELIVERIES and isinstance(inner, str):
        return without_secrets(inner, trigger_ids=False)
    return redact(inner)
