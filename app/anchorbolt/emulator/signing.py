"""Signs requests as Slack does, or wrongly, for tests of the refusal.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

EMULATOR_SECRET = "emulator-signing-secret"  # noqa: S105 - made up: it signs only the requests that the emulator sends

STALE_SECONDS = 301


class Forgery(StrEnum):
    """What is wrong with a signature that is meant to be refused."""

    BAD_SIGNATURE = "bad signature"
    STALE = "stale"
    NO_SIGNATURE = "no signature"
    NO_TIMESTAMP = "no timestamp"
    ODD_TIMESTAMP = "odd timestamp"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature` of a body: the HMAC of its raw bytes."""
    return "v0=" + hmac.new(secret.encode(), b"v0:%b:%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes, *, now: float, forgery: Forgery | None = None) -> dict[str, str]:
    """The two headers that sign a body. With a `forgery`, the app must refuse them."""
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
