"""Signing as Slack signs, and wrongly on purpose. https://docs.slack.dev/authentication/verifying-requests-from-slack"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

STAND_IN_SECRET = "stand-in-signing-secret"  # noqa: S105 - made up: it signs nothing but the stand-in's own requests

STALE_SECONDS = 301


class Forgery(StrEnum):
    """What is wrong with a signature that was made wrong on purpose."""

    BAD_SIGNATURE = "bad signature"
    STALE = "stale"
    NO_SIGNATURE = "no signature"
    NO_TIMESTAMP = "no timestamp"
    ODD_TIMESTAMP = "odd timestamp"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature` of a body: over its raw bytes, before anything decodes them."""
    return "v0=" + hmac.new(secret.encode(), b"v0:%b:%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes, *, now: float, forgery: Forgery | None = None) -> dict[str, str]:
    """The two headers that sign a body; with a forgery, headers that the app must refuse."""
    timestamp = str(int(now))
    if forgery is Forgery.STALE:
        timestamp = str(int(now) - STALE_SECONDS)
    elif forgery is Forgery.ODD_TIMESTAMP:
        timestamp = "yesterday"
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": sign(secret, timestamp, body)}
    if forgery is Forgery.BAD_SIGNATURE:
        headers["X-Slack-Signature"] = sign(secret + " of somebody else", timestamp, body)
    elif forgery is Forgery.NO_SIGNATURE:
        del headers["X-Slack-Signature"]
    elif forgery is Forgery.NO_TIMESTAMP:
        del headers["X-Slack-Request-Timestamp"]
    return headers
