"""Whether a request is Slack's: https://docs.slack.dev/authentication/verifying-requests-from-slack"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence

from anchorbolt.errors import RefusedError

# Slack's own advice: five minutes.
MAX_AGE_SECONDS = 300
BAD_SIGNATURE = RefusedError(401, "bad_signature")
# Of `v0=` and the 64 hexadecimal digits of a SHA-256. Other characters need no check: the comparison refuses them.
SIGNATURE_LENGTH = 67


class Signature:
    """Verifies the signature of a request. Several secrets may be valid at once, for the time of a rotation."""

    def __init__(self, secrets: Sequence[bytes], clock: Callable[[], float] = time.time) -> None:
        # The inner and outer keys of the HMAC are computed once, and copied for every request.
        self._keyed = [hmac.new(secret, digestmod=hashlib.sha256) for secret in secrets]
        self._clock = clock

    def check_headers(self, headers: Mapping[bytes, bytes]) -> tuple[bytes, bytes]:
        """Returns the timestamp and the signature of a request, for `verify`. `headers`: their names in lower case.

        Raises RefusedError (401) for what no body could make right: one is missing, stale or malformed.
        """
        timestamp, signature = headers.get(b"x-slack-request-timestamp"), headers.get(b"x-slack-signature")
        if not timestamp or not signature:
            raise RefusedError(401, "missing_signature")
        if not timestamp.isdigit() or len(timestamp) >= 20:
            raise RefusedError(401, "bad_timestamp")
        if abs(self._clock() - int(timestamp)) > MAX_AGE_SECONDS:
            raise RefusedError(401, "stale_timestamp")
        if len(signature) != SIGNATURE_LENGTH or not signature.startswith(b"v0="):
            raise BAD_SIGNATURE.copy()
        return timestamp, signature

    def verify(self, body: bytes, timestamp: bytes, signature: bytes) -> None:
        """Raises RefusedError (401) for a body that Slack did not sign with one of the secrets.

        `timestamp` and `signature` are what `check_headers` returned.
        """
        before = b"v0:" + timestamp + b":"
        matches = False
        for keyed in self._keyed:
            mac = keyed.copy()
            mac.update(before)
            mac.update(body)  # apart, because a body may be large: nothing is copied
            # Every secret is tried: the time tells nothing about which one matched.
            matches |= hmac.compare_digest(b"v0=" + mac.hexdigest().encode(), signature)
        if not matches:
            raise BAD_SIGNATURE.copy()
