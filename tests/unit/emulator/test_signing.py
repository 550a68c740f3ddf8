"""Signatures are Slack's, and forgeries are refused by Slack's own verifier."""

from __future__ import annotations

import pytest
from anchorbolt.emulator.signing import Forgery, signed_headers
from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier

NOW = 1_760_000_000.0
BODY = '{"text":"café & 100 %"}'.encode()


class At(SdkClock):
    """The verifier's clock, stopped."""

    def now(self) -> float:
        """The time."""
        return NOW


def verifier(secret: str) -> SignatureVerifier:
    """Slack's verifier at the time of the tests."""
    return SignatureVerifier(secret, At())


def test_slack_s_verifier_accepts_a_signature() -> None:
    """A body signed by us is valid to slack_sdk."""
    assert verifier("s").is_valid_request(BODY, signed_headers("s", BODY, now=NOW))


@pytest.mark.parametrize("forgery", [Forgery.BAD_SIGNATURE, Forgery.STALE, Forgery.NO_SIGNATURE, Forgery.NO_TIMESTAMP])
def test_slack_s_verifier_refuses_a_forgery(forgery: Forgery) -> None:
    """Each forgery is invalid to slack_sdk."""
    assert not verifier("s").is_valid_request(BODY, signed_headers("s", BODY, now=NOW, forgery=forgery))


def test_a_stale_signature_is_wrong_by_its_age_alone() -> None:
    """A stale request carries a signature that was right 301 s ago."""
    headers = signed_headers("s", BODY, now=NOW, forgery=Forgery.STALE)
    assert headers == signed_headers("s", BODY, now=NOW - 301)


def test_an_odd_timestamp_is_signed_well() -> None:
    """A timestamp that is no integer comes with a signature over just that timestamp."""
    headers = signed_headers("s", BODY, now=NOW, forgery=Forgery.ODD_TIMESTAMP)
    assert headers["X-Slack-Request-Timestamp"] == "yesterday"
    generated = verifier("s").generate_signature(timestamp="yesterday", body=BODY)
    assert headers["X-Slack-Signature"] == generated
