"""A payload without what opens doors: tokens, response URLs, triggers."""

from __future__ import annotations

from typing import Any

from anchorbolt.telemetry.redact import REDACTED, without_secrets

SECRET_FIELDS = frozenset({
    "token", "bot_access_token", "workflow_token", "access_token", "refresh_token", "response_url", "response_urls",
    "trigger_id", "client_secret", "url_private", "url_private_download", "permalink_public", "upload_url",
})  # fmt: skip


def redact(value: Any) -> Any:
    """A copy of a parsed payload that may be shown."""
    if isinstance(value, dict):
        return {name: REDACTED if name in SECRET_FIELDS else redact(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [redact(inner) for inner in value]
    if isinstance(value, str):
        return without_secrets(value)
    return value
