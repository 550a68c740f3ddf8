"""The least that an honest receiver does: Slack's signature over the raw body."""

from __future__ import annotations

import hmac
import time

from bench.peers.serve import SIGNING_SECRET

_SECRET = SIGNING_SECRET.encode()


def is_valid(timestamp: bytes, signature: bytes, body: bytes) -> bool:
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
        return False
    expected = "v0=" + hmac.digest(_SECRET, b"v0:" + timestamp + b":" + body, "sha256").hex()
    return hmac.compare_digest(expected.encode(), signature)
